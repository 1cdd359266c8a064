#pragma once
// SipHash-2-4: a short keyed hash, for hash tables whose keys an attacker can choose.

#include <cstdint>

#include "shared/base/bytes.h"
#include "shared/base/secret.h"

namespace wg4::crypto {

using SipKey = Secret<16>;

[[nodiscard]] std::uint64_t siphash(const SipKey& key, ByteView input);

}  // namespace wg4::crypto
