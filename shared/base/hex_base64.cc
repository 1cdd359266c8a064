#include "shared/base/hex_base64.h"

#include <sodium/utils.h>

#include <cstddef>

namespace wg4 {

bool decode_base64(std::string_view text, ByteSpan out) {
  if (text.size() != sodium_base64_encoded_len(out.size(), sodium_base64_VARIANT_ORIGINAL) - 1) return false;
  std::size_t length = 0;
  const char* end = nullptr;
  return sodium_base642bin(out.data(), out.size(), text.data(), text.size(), nullptr, &length, &end,
                           sodium_base64_VARIANT_ORIGINAL) == 0 &&
         length == out.size() && end == text.data() + text.size();
}

std::string encode_base64(ByteView bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // libsodium counts the terminating NUL
  return text;
}

bool decode_hex(std::string_view text, ByteSpan out) {
  if (text.size() != 2 * out.size()) return false;
  std::size_t length = 0;
  const char* end = nullptr;
  return sodium_hex2bin(out.data(), out.size(), text.data(), text.size(), nullptr, &length, &end) == 0 &&
         length == out.size() && end == text.data() + text.size();
}

std::string encode_hex(ByteView bytes) {
  std::string text(2 * bytes.size() + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  text.pop_back();
  return text;
}

}  // namespace wg4
