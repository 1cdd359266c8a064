#pragma once
// The messages between the plugin and the broker (broker.h), as bytes (shared/wire/wire.h). Pure.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/wire/kind.h"

namespace wg4::broker {

inline constexpr std::size_t max_name = 256;      // bytes, of each key, interface and MTU
inline constexpr std::size_t max_path = 4096;     // PATH_MAX
inline constexpr std::size_t max_ports = 4096;    // and all of them have to fit a message
inline constexpr std::size_t max_error = 16'384;  // bytes

/// With a request to start, the network namespace's descriptor is attached.
struct Request {
  static constexpr wire::Kind message_kind = wire::Kind::tunnel_request;
  enum class Kind : std::uint8_t { start, stop } kind = Kind::stop;
  std::string key{};  ///< names the tunnel: container and interface; not empty
  std::string ifname{};
  std::string config{};              ///< absolute path
  std::string mtu{};                 ///< bytes; may be empty
  std::vector<std::string> ports{};  ///< as --publish takes them

  static constexpr void fields(auto& self, auto& visit) {
    visit.choice(self.kind, Kind::stop);
    visit.text(self.key, max_name);
    visit.text(self.ifname, max_name);
    visit.text(self.config, max_path);
    visit.text(self.mtu, max_name);
    visit.texts(self.ports, max_ports, max_name);
  }
  friend bool operator==(const Request&, const Request&) = default;
};

/// The outcome of a request.
struct Reply {
  static constexpr wire::Kind message_kind = wire::Kind::tunnel_reply;
  std::string error{};  ///< empty = done; may have several lines

  static constexpr void fields(auto& self, auto& visit) { visit.text(self.error, max_error); }
};

/// Fails if the request is too long, or has a NUL in it.
[[nodiscard]] Result<std::vector<std::uint8_t>> encode(const Request& request);
[[nodiscard]] Result<Request> decode(ByteView bytes);

/// A reply with any text, cut to the length that fits.
[[nodiscard]] Reply reply_of(std::string_view error);

}  // namespace wg4::broker
