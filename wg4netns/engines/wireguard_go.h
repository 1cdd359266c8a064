#pragma once
// The place of wireguard-go: an interface in the namespace that this program was started in, without keys or peers.
// wg(8) configures keys and peers, ip(8) addresses and routes, at any time (wg-quick(8) runs both). The interface may
// move to another namespace, while the UDP socket stays in this one.

#include <span>
#include <string>

#include "shared/base/result.h"
#include "wg4netns/commands/cli.h"

namespace wg4 {

/// wireguard4netns [-f] IFNAME
struct InterfaceCommand {
  std::string ifname;
  bool foreground = false;  ///< else it returns once wg(8) can be used, and goes on in the background
};

/// Are these words a command line of wireguard-go? A namespace's path has a slash, and a PID is a number.
[[nodiscard]] bool is_wireguard_go(std::span<const char* const> words);

/// For such words. Sets the log level by LOG_LEVEL, as wireguard-go does.
[[nodiscard]] Parsed<InterfaceCommand> parse_interface(const Arguments& arguments);

/// Ends with the interface, with its control socket, or by SIGTERM.
[[nodiscard]] Result<void> run_interface(const InterfaceCommand& command);

}  // namespace wg4
