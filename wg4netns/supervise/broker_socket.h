#pragma once
// Where the broker is found: a UNIX socket in the user's runtime folder, which nobody else can enter.

#include <string>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "wg4netns/supervise/broker_message.h"

namespace wg4::broker {

/// $XDG_RUNTIME_DIR/wireguard4netns/broker.sock, for root without one /run/wireguard4netns/broker.sock.
[[nodiscard]] Result<std::string> socket_path();

/// Listens there; what a broker that has died left there is replaced. Nothing if a broker listens already.
[[nodiscard]] Result<UniqueFd> listen_at(const std::string& path);

/// Asks the broker, and waits for what comes of it. ECONNREFUSED or ENOENT: there is none. `netns` may be invalid.
[[nodiscard]] Result<void> ask(const Request& request, UniqueFd netns);

/// Is this user at the other end?
[[nodiscard]] bool is_same_user(int socket);

}  // namespace wg4::broker
