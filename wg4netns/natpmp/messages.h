#pragma once
// NAT-PMP (RFC 6886) on the wire, as far as mappings of ports go. Pure.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "shared/base/bytes.h"
#include "shared/net/protocol.h"

namespace wg4::natpmp {

inline constexpr std::uint16_t gateway_port = 5351;

/// 3.3: a port of the gateway is wanted.
struct Request {
  Protocol protocol = Protocol::udp;
  std::uint16_t internal = 0;
  std::uint16_t external = 0;  ///< a suggestion
  std::uint32_t lifetime = 0;  ///< seconds

  friend bool operator==(const Request&, const Request&) = default;
};

inline constexpr std::size_t request_size = 12;  // bytes
[[nodiscard]] std::array<std::uint8_t, request_size> encode(const Request& request);

/// 3.5
enum class Outcome : std::uint8_t {
  success,
  unsupported_version,
  not_authorized,  ///< or refused
  network_failure,
  out_of_resources,
  unsupported_request,
};

struct Response {
  Protocol protocol = Protocol::udp;
  Outcome outcome = Outcome::success;
  std::uint16_t external = 0;  ///< if it is a success; likewise:
  std::uint32_t lifetime = 0;  ///< seconds

  friend bool operator==(const Response&, const Response&) = default;
};

/// Nothing for what is no answer to a Request. A gateway of another protocol version says so in its own format.
[[nodiscard]] std::optional<Response> decode(ByteView bytes);

}  // namespace wg4::natpmp
