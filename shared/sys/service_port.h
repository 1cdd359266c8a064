#pragma once

#include <arpa/inet.h>
#include <netdb.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wg4 {

/// The port of a UDP service, from /etc/services and the system's other sources; nullopt for an unknown name.
[[nodiscard]] inline std::optional<std::uint16_t> service_port(std::string_view name) {
  std::array<char, 4096> buffer;  // an entry and all of its aliases
  servent entry{};
  servent* found = nullptr;
  getservbyname_r(std::string(name).c_str(), "udp", &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) return std::nullopt;
  return ntohs(static_cast<std::uint16_t>(found->s_port));
}

}  // namespace wg4
