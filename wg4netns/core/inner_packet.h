#pragma once
// What the tunnel has to know about the IP packets inside it: source, destination, length and ECN bits.

#include <cstddef>
#include <cstdint>
#include <optional>

#include "shared/base/bytes.h"
#include "shared/net/ip_address.h"

namespace wg4 {

enum class Ecn : std::uint8_t { not_ect = 0, ect1 = 1, ect0 = 2, ce = 3 };

/// A checked IP header. It points into the packet.
class InnerPacket {
 public:
  /// Nothing when `bytes` does not begin with a whole IPv4 or IPv6 header, or the packet claims to be longer than
  /// `available` bytes.
  [[nodiscard]] static std::optional<InnerPacket> parse(ByteView bytes, std::size_t available);

  [[nodiscard]] bool is_v4() const { return v4_; }
  /// By the header, in bytes, header included; what follows in the buffer is padding.
  [[nodiscard]] std::size_t length() const { return length_; }
  /// 4 or 16 bytes.
  [[nodiscard]] const std::uint8_t* source() const { return header_ + (v4_ ? 12 : 8); }
  [[nodiscard]] const std::uint8_t* destination() const { return header_ + (v4_ ? 16 : 24); }
  [[nodiscard]] Ecn ecn() const;

 private:
  InnerPacket(const std::uint8_t* header, bool v4, std::size_t length) : header_(header), length_(length), v4_(v4) {}

  const std::uint8_t* header_;
  std::size_t length_;
  bool v4_;
};

/// RFC 6040, encapsulation: the outer header gets the ECN bits of the inner one, but never CE.
[[nodiscard]] Ecn encapsulate_ecn(Ecn inner);
/// RFC 6040, decapsulation: CE or ECT(1) that the path wrote into the outer header is copied to the inner one, if that
/// supports ECN. As in Linux, a packet without ECN support is delivered unchanged. `packet` holds a whole header.
void decapsulate_ecn(Ecn outer, ByteSpan packet);

}  // namespace wg4
