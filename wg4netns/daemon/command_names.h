#pragma once
// How commands that run in a tunnel resolve names: by servers that are reached through the tunnel, or not at all.

#include <span>
#include <string>

#include "shared/base/result.h"
#include "shared/config/wg_config.h"
#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"
#include "wg4netns/daemon/attach_options.h"
#include "wg4netns/daemon/messages.h"
#include "wg4netns/daemon/prepare.h"

namespace wg4 {

/// The configuration's servers, or those that are wanted instead. One that no AllowedIPs leads to is an error: its
/// queries would be dropped. One of an address family without an Address is left out, with a warning.
[[nodiscard]] Result<TunnelNames> choose_names(const WgConfig& config, std::span<const IpAddress> wanted);

/// A server that is in one of the networks `outside` would not be asked through the tunnel: an error.
[[nodiscard]] Result<void> expect_in_tunnel(std::span<const IpAddress> servers, std::span<const Prefix> outside);

/// Tells it to the command that has started the tunnel.
[[nodiscard]] Result<void> tell_names(const NamesWanted& names, const StartConfig& start);

}  // namespace wg4
