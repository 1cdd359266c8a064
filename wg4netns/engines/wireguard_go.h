#pragma once
// The place of wireguard-go: an interface in the namespace that this program was started in, without keys or peers.
// wg(8) and wg-quick(8) configure the one, ip(8) the other half, at any time; the interface may move to another
// namespace, while the UDP socket stays in this one.

#include <string>

#include "shared/base/result.h"

namespace wg4 {

/// wireguard4netns [-f] IFNAME
struct InterfaceCommand {
  std::string ifname;
  bool foreground = false;  ///< else it returns once wg(8) can be used, and goes on in the background
};

/// Ends with the interface, with its control socket, or by SIGTERM.
[[nodiscard]] Result<void> run_interface(const InterfaceCommand& command);

}  // namespace wg4
