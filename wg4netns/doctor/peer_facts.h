#pragma once
// What was tried with a peer, and with which outcome, as values.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shared/net/endpoint.h"
#include "wg4netns/diagnosis/finding.h"
#include "wg4netns/doctor/report.h"

namespace wg4::doctor {

enum class DataSeen : std::uint8_t {
  untried,
  answered,   ///< an echo request was answered
  confirmed,  ///< it was not, but a keepalive of the peer confirmed that it arrived
  silent,     ///< nothing came
};

struct PeerFacts {
  std::string key{};   ///< base64
  std::string host{};  ///< the endpoint as configured; empty = none
  std::string resolve_error{};
  std::optional<Endpoint> endpoint{};
  int route_error = 0;   ///< errno
  std::string source{};  ///< our address on the way there

  bool tried = false;
  std::optional<std::chrono::milliseconds> handshake{};  ///< how long it took
  Finding finding = Finding::none;                       ///< why there was none
  std::string diagnosis{};

  DataSeen data = DataSeen::untried;
  std::string target{};                  ///< the address that was pinged
  std::string untried_because{};         ///< why none was
  std::size_t mtu = 0;                   ///< of the tunnel
  std::optional<std::size_t> largest{};  ///< longest packet that was answered or confirmed, in bytes
};

/// Judges one peer.
[[nodiscard]] Report check_peer(const PeerFacts& peer);

}  // namespace wg4::doctor
