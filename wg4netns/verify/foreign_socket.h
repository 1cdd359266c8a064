#pragma once

#include <cstdint>
#include <optional>

#include "wg4netns/verify/facts.h"

namespace wg4::verify {

/// A socket of another process (pidfd_getfd(2)); nothing if it is of the network namespace that `net_cookie` says, or
/// has just been closed.
[[nodiscard]] std::optional<Descriptor> look_at_socket(int pidfd, int number, std::uint64_t net_cookie);

}  // namespace wg4::verify
