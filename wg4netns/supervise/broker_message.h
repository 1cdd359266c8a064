#pragma once
// What the plugin and the broker say to each other (broker.h), as bytes. Pure.
//
// A request is words, each with a NUL at its end; "start" brings the network namespace's descriptor along. The reply is
// a text: empty for done, else the error.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/result.h"

namespace wg4::broker {

inline constexpr std::size_t max_message = std::size_t{32} * 1024;
inline constexpr std::size_t max_key = 256;

struct Request {
  enum class Kind : std::uint8_t { start, stop } kind = Kind::stop;
  std::string key;  ///< names the tunnel: container and interface; not empty
  std::string ifname;
  std::string config;              ///< absolute path
  std::string mtu;                 ///< bytes; may be empty
  std::vector<std::string> ports;  ///< as --publish takes them

  friend bool operator==(const Request&, const Request&) = default;
};

/// Nothing of the request may have a NUL. EMSGSIZE if it is too long.
[[nodiscard]] Result<std::vector<std::uint8_t>> encode(const Request& request);
[[nodiscard]] Result<Request> decode(ByteView bytes);

}  // namespace wg4::broker
