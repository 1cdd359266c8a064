#pragma once
// The two spellings of a key: base64 in files and for people, hex in the UAPI. Both run in constant time for keys
// (no table look-ups by secret bytes).

#include <string>
#include <string_view>

#include "shared/base/bytes.h"

namespace wg4 {

/// Exactly `out.size()` bytes from canonical base64 with padding (44 characters for a key); false otherwise.
[[nodiscard]] bool decode_base64(std::string_view text, ByteSpan out);
[[nodiscard]] std::string encode_base64(ByteView bytes);

/// Exactly `out.size()` bytes from hex of either case; false otherwise.
[[nodiscard]] bool decode_hex(std::string_view text, ByteSpan out);
[[nodiscard]] std::string encode_hex(ByteView bytes);

}  // namespace wg4
