#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "shared/base/bytes.h"
#include "shared/net/endpoint.h"

namespace wg4::capture {

/// The IP and UDP headers of a datagram, made up from what is known: a socket does not see the real ones.
class OuterHeader {
 public:
  /// Both addresses are of one family. `payload` follows the headers, and has any length.
  OuterHeader(const Endpoint& from, const Endpoint& to, std::uint8_t tos, ByteView payload);

  [[nodiscard]] ByteView bytes() const { return ByteView(bytes_).first(size_); }

 private:
  std::array<std::uint8_t, 48> bytes_{};
  std::size_t size_;
};

}  // namespace wg4::capture
