#pragma once
// Shared by the tests of the configuration parser: obviously made-up keys, and short ways to parse.

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/hex_base64.h"
#include "shared/config/wg_config.h"
#include "shared/net/prefix.h"

namespace wg4::config_test {

inline const std::string private_key = "cHJpdmF0ZWtleXByaXZhdGVrZXlwcml2YXRla2V5MDA=";
inline const std::string preshared_key = "cHJlc2hhcmVka2V5cHJlc2hhcmVka2V5cHJlc2hhcmU=";
inline const std::string key_a = "cHVibGlja2V5cHVibGlja2V5cHVibGlja2V5MDAwMDE=";
inline const std::string key_b = "cHVibGlja2V5cHVibGlja2V5cHVibGlja2V5MDAwMDI=";

/// The config of a text that must be accepted.
inline WgConfig accepted(std::string_view text) {
  auto config = WgConfig::parse(text);
  if (!config) FAIL(config.error().message());
  return *std::move(config);
}

/// The message of a text that must be refused; "" when it is not, which no expectation matches.
inline std::string refused(std::string_view text) {
  const auto config = WgConfig::parse(text);
  return config ? "" : config.error().message();
}

/// The same, where the message must name this line.
inline std::string refused_at(int line, std::string_view text) {
  std::string message = refused(text);
  CHECK(message.starts_with("line " + std::to_string(line) + ": "));
  return message;
}

/// The only service that the tests know.
inline std::optional<std::uint16_t> one_service(std::string_view name) {
  return name == "wireguard" ? std::optional<std::uint16_t>(51820) : std::nullopt;
}

inline std::string interface_with(std::string_view lines) { return "[Interface]\n" + std::string(lines) + "\n"; }
inline std::string peer_with(std::string_view lines) {
  return "[Peer]\nPublicKey = " + key_a + "\n" + std::string(lines) + "\n";
}

inline bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// "10.0.0.0/8 fd00::/8"
inline std::string joined(const std::vector<Prefix>& prefixes) {
  std::string text;
  for (const Prefix& prefix : prefixes) text += (text.empty() ? "" : " ") + prefix.to_string();
  return text;
}

inline std::string allowed_ips(const WgConfig& config, std::size_t peer = 0) {
  return joined(config.peers.at(peer).allowed_ips);
}

}  // namespace wg4::config_test
