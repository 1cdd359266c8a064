#pragma once
// The four messages of whitepaper 5.4, as views over wire bytes of exactly the right size. All integers are
// little-endian; the type is one byte with three reserved zero bytes behind it, read here as one 32-bit number.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "shared/base/bytes.h"

namespace wg4 {

enum class MessageType : std::uint32_t { initiation = 1, response = 2, cookie_reply = 3, data = 4 };

inline constexpr std::size_t tag_size = 16;
inline constexpr std::size_t initiation_size = 148;
inline constexpr std::size_t response_size = 92;
inline constexpr std::size_t cookie_reply_size = 64;
inline constexpr std::size_t data_header_size = 16;
inline constexpr std::size_t data_overhead = data_header_size + tag_size;  // also the size of a keepalive
inline constexpr std::size_t timestamp_size = 12;                          // TAI64N

/// Whitepaper 5.4.2
template <class Byte>
struct BasicInitiation {
  std::span<Byte, initiation_size> wire;

  [[nodiscard]] auto type() const { return wire.template subspan<0, 4>(); }
  [[nodiscard]] auto sender() const { return wire.template subspan<4, 4>(); }
  [[nodiscard]] auto ephemeral() const { return wire.template subspan<8, 32>(); }
  [[nodiscard]] auto encrypted_static() const { return wire.template subspan<40, 32 + tag_size>(); }
  [[nodiscard]] auto encrypted_timestamp() const { return wire.template subspan<88, timestamp_size + tag_size>(); }
};

/// Whitepaper 5.4.3
template <class Byte>
struct BasicResponse {
  std::span<Byte, response_size> wire;

  [[nodiscard]] auto type() const { return wire.template subspan<0, 4>(); }
  [[nodiscard]] auto sender() const { return wire.template subspan<4, 4>(); }
  [[nodiscard]] auto receiver() const { return wire.template subspan<8, 4>(); }
  [[nodiscard]] auto ephemeral() const { return wire.template subspan<12, 32>(); }
  [[nodiscard]] auto encrypted_nothing() const { return wire.template subspan<44, tag_size>(); }
};

/// Whitepaper 5.4.6, without the sealed part.
template <class Byte>
struct BasicDataHeader {
  std::span<Byte, data_header_size> wire;

  [[nodiscard]] auto type() const { return wire.template subspan<0, 4>(); }
  [[nodiscard]] auto receiver() const { return wire.template subspan<4, 4>(); }
  [[nodiscard]] auto counter() const { return wire.template subspan<8, 8>(); }
};

using InitiationView = BasicInitiation<const std::uint8_t>;
using InitiationSpan = BasicInitiation<std::uint8_t>;
using ResponseView = BasicResponse<const std::uint8_t>;
using ResponseSpan = BasicResponse<std::uint8_t>;
using DataHeaderView = BasicDataHeader<const std::uint8_t>;
using DataHeaderSpan = BasicDataHeader<std::uint8_t>;

/// The type of a datagram, if its size fits that type; nothing else is ever parsed.
[[nodiscard]] inline std::optional<MessageType> classify(ByteView datagram) {
  if (datagram.size() < sizeof(std::uint32_t)) return std::nullopt;
  const auto type = static_cast<MessageType>(load_le<std::uint32_t>(datagram.data()));
  const bool fits = (type == MessageType::data && datagram.size() >= data_overhead) ||
                    (type == MessageType::initiation && datagram.size() == initiation_size) ||
                    (type == MessageType::response && datagram.size() == response_size) ||
                    (type == MessageType::cookie_reply && datagram.size() == cookie_reply_size);
  return fits ? std::optional(type) : std::nullopt;
}

}  // namespace wg4
