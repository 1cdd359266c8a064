#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "shared/base/keys.h"

namespace wg4::capture {

/// Keys in the format of Wireshark's key log (packet-wg.c), a line each: first our private key; then for each session
/// the ephemeral key and its preshared key. Wiped by the destructor.
class KeyLogEntry {
 public:
  explicit KeyLogEntry(const PrivateKey& local_static);
  KeyLogEntry(const PublicKey& remote_static, const PrivateKey& local_ephemeral, const PresharedKey& preshared);
  KeyLogEntry(const KeyLogEntry&) = delete;
  KeyLogEntry& operator=(const KeyLogEntry&) = delete;
  ~KeyLogEntry();

  [[nodiscard]] std::string_view text() const { return {text_.data(), size_}; }

 private:
  void line(std::string_view name, std::span<const std::uint8_t, key_size> key);

  std::array<char, 256> text_;  // three lines
  std::size_t size_ = 0;
};

}  // namespace wg4::capture
