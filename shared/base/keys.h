#pragma once
// The three kinds of key in a configuration.

#include <array>
#include <cstddef>
#include <cstdint>

#include "shared/base/secret.h"

namespace wg4 {

inline constexpr std::size_t key_size = 32;  // Curve25519 and ChaCha20 alike

using PublicKey = std::array<std::uint8_t, key_size>;
using PrivateKey = Secret<key_size>;    ///< Curve25519 scalar; all zero = none
using PresharedKey = Secret<key_size>;  ///< all zero = none

}  // namespace wg4
