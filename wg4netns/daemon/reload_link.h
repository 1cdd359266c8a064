#pragma once
// The part of a reload that is about the interface in the namespace: Address, MTU, and a route for each of AllowedIPs.
//
// The helper of the start is gone, and the tunnel in its sandbox can reach no namespace. So the process
// that reloads starts another helper, with a descriptor of the TUN that the tunnel hands out. The helper asks that
// descriptor for the namespace and the interface's name: a tunnel that an attacker has taken over can name no namespace
// but its own.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/config/wg_config.h"
#include "shared/net/endpoint.h"
#include "shared/net/prefix.h"
#include "wg4netns/uapi/codec.h"
#include "wg4netns/uapi/control_client.h"

namespace wg4 {

/// As in the status and in messages: "auto", "off" or a number; "10.0.0.53, example.com".
[[nodiscard]] std::string table_name(const WgConfig& config);
[[nodiscard]] std::string dns_text(const WgConfig& config);

/// The interface, as its tunnel describes it.
struct RunningLink {
  uapi::LinkStatus status;
  std::string set_up_by;                    ///< name of a LinkOwner; empty = not told
  std::optional<std::uint16_t> wanted_mtu;  ///< --mtu
  std::string dns;
  bool uses_dns = false;
  std::vector<Prefix> allowed_ips;  ///< of all peers
};
[[nodiscard]] RunningLink read_link(const OwnStatus& own, const uapi::StatusReader& status);

/// The outcome of a reload.
struct LinkReload {
  std::vector<std::string> changes;  ///< taken over: "MTU 1300"
  std::vector<std::string> left;     ///< what differs and stays until another start: "Address"
  std::string why;                   ///< for the latter; may be empty
};

/// Fails if the namespace refuses what the configuration wants. The interface may be changed in part then; the next
/// reload completes that.
[[nodiscard]] Result<LinkReload> reload_link(const RunningTunnel& tunnel, const RunningLink& running,
                                             const WgConfig& config, std::span<const Endpoint> endpoints);

}  // namespace wg4
