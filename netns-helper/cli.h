#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "netns-helper/sandbox.h"
#include "shared/sys/sandbox_mode.h"

namespace wg4 {

/// Whether the plan is applied to the interface.
enum class Configure : std::uint8_t {
  automatic,  ///< unless it existed before: then its owner does it
  yes,
  no,
  mtu,  ///< its MTU and queue length alone; it stays down
};

struct Options {
  int handoff_fd = -1;
  int netns_fd = -1;  ///< the namespaces to join, opened by our starter
  int userns_fd = -1;
  std::string target;  ///< what the user calls them
  int tun_fd = -1;     ///< ... or, of an interface that serves already: none of these
  std::string ifname = "wg0";
  bool vnet_hdr = false;
  unsigned queues = 1;
  bool await_owner = false;  ///< of a TAP that the interface replaces
  Configure configure = Configure::automatic;
  SandboxMode sandbox = SandboxMode::automatic;
  bool port_tables = false;  ///< hand out the tables of what the namespace listens on
  bool agent = false;        ///< stay, and dial for published ports
};

/// The options, or the status to exit with after --help, --version or an error (which it has printed).
[[nodiscard]] std::variant<Options, int> parse_command_line(int argc, char** argv);

}  // namespace wg4
