#pragma once
// Where the broker is found: a UNIX socket in the user's runtime folder, which nobody else can enter.

#include <string>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "wg4netns/supervise/broker_message.h"

namespace wg4::broker {

/// $XDG_RUNTIME_DIR/wireguard4netns/broker.sock, for root without one /run/wireguard4netns/broker.sock.
[[nodiscard]] Result<std::string> socket_path();

/// Listens at `path`, and replaces the socket of a broker that has died. Invalid if a broker listens there already.
[[nodiscard]] Result<UniqueFd> listen_at(const std::string& path);

/// Asks the broker, and waits for the outcome. ECONNREFUSED or ENOENT: there is no broker. `netns` may be invalid.
[[nodiscard]] Result<void> ask(const Request& request, UniqueFd netns);

}  // namespace wg4::broker
