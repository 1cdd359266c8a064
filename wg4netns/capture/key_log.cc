#include "wg4netns/capture/key_log.h"

#include <cstdint>
#include <span>
#include <string>

#include "shared/base/check.h"
#include "shared/base/hex_base64.h"
#include "shared/base/scope_exit.h"

namespace wg4::capture {

KeyLogEntry::KeyLogEntry(const PrivateKey& local_static) { line("LOCAL_STATIC_PRIVATE_KEY", local_static.span()); }

KeyLogEntry::KeyLogEntry(const PublicKey& remote_static, const PrivateKey& local_ephemeral,
                         const PresharedKey& preshared) {
  line("REMOTE_STATIC_PUBLIC_KEY", remote_static);
  line("LOCAL_EPHEMERAL_PRIVATE_KEY", local_ephemeral.span());
  line("PRESHARED_KEY", preshared.span());
}

KeyLogEntry::~KeyLogEntry() { sodium_memzero(text_.data(), text_.size()); }

void KeyLogEntry::line(std::string_view name, std::span<const std::uint8_t, key_size> key) {
  std::string digits = encode_base64(key);
  const ScopeExit wipe([&] { sodium_memzero(digits.data(), digits.size()); });
  for (const std::string_view part :
       {name, std::string_view(" = "), std::string_view(digits), std::string_view("\n")}) {
    CHECK(size_ + part.size() <= text_.size());
    size_ += part.copy(text_.data() + size_, part.size());
  }
}

}  // namespace wg4::capture
