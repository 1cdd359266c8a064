#pragma once
// A network plugin runs where the host's network is out of reach: inside the namespace in which rootless Podman has its
// bridges. So a process outside must own the UDP sockets:
//
//   Podman, netavark                          the host's network
//     plugin setup ── container, netns fd ──► broker ── fork, exec ──► wireguard4netns --netns-type=path
//     /proc/self/fd/N
//            ◄── done, or an error ─────────         ◄── ready-fd, stderr ──
//     plugin teardown ───────────────────────► broker ── SIGTERM ──► ...
//
// The broker is one process of the user; it holds no key, reads no configuration, and does what processes of the same
// user ask for, which they could do themselves. Its tunnels end with it: their containers then have no network at all.

#include <chrono>
#include <optional>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

/// wireguard4netns broker
struct BrokerCommand {
  std::optional<std::chrono::seconds> idle;  ///< end when there has been no container for so long; nothing = stay
};

/// In the foreground, at the socket that systemd passes or at one of its own.
[[nodiscard]] Result<void> run_broker(const BrokerCommand& command);

/// Starts a broker in the background unless there is one, in this process' network namespace.
[[nodiscard]] Result<void> ensure_broker();

}  // namespace wg4
