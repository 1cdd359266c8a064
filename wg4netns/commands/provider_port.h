#pragma once
// A port that the tunnel's provider forwards to this end (NAT-PMP), and the process that keeps it:
//
//   client ── fork ──► this process, on the host's side ── a socket inside ──► the gateway, through the tunnel
//                          │ tells the keeper, which tells commands and `ps`; writes the file; runs the callback inside
//                          └ ends with the keeper, and removes the file

#include <optional>
#include <string>

#include "shared/base/result.h"
#include "shared/net/ip_address.h"
#include "wg4netns/supervise/keeper_client.h"

namespace wg4 {

struct ProviderPort {
  std::optional<IpAddress> gateway;     ///< nothing = guessed
  std::optional<std::string> file;      ///< absolute path of the file that the port is written to
  std::optional<std::string> callback;  ///< for sh -c; "{{PORT}}" in it is the port
};

/// As the command line has it: "natpmp" or "natpmp:GATEWAY".
[[nodiscard]] Result<ProviderPort> parse_provider_port(const std::string& text);

/// Returns once the port is known; an error if there is none. `room` is that of the tunnel `name`, whose keeper serves.
[[nodiscard]] Result<void> start_provider_port(const std::string& name, const keeper::Room& room,
                                               const ProviderPort& wanted);

}  // namespace wg4
