#pragma once
// A network plugin for netavark (Podman 4.5 and later): a network whose containers get a tunnel each.
//
//   create             in the host's network: checks the options, starts the broker
//   setup NETNS        where the host's network is out of reach: has the broker start a tunnel, and says its addresses
//   teardown NETNS     has the broker end it
//   info               says what this plugin is
//
// The engine's request is on standard input, the answer or an error on standard output, all of them in JSON.

#include <cstdint>
#include <string>

#include "shared/base/result.h"
#include "wg4netns/commands/cli.h"

namespace wg4 {

/// wireguard4netns netavark create|setup|teardown|info [NETNS]
struct NetavarkCommand {
  enum class Verb : std::uint8_t { create, setup, teardown, info } verb = Verb::info;
  std::string netns;
};

[[nodiscard]] Parsed<NetavarkCommand> parse_netavark(const Arguments& arguments);
[[nodiscard]] Result<void> run_netavark(const NetavarkCommand& command);

}  // namespace wg4
