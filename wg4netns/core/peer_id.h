#pragma once

#include <cstdint>

namespace wg4 {

/// A peer's index in the device. Reused after the peer is removed.
using PeerId = std::uint32_t;
inline constexpr PeerId no_peer = UINT32_MAX;

}  // namespace wg4
