#pragma once
// The interface in the namespace: made, and given its addresses and routes, by the helper.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/config/wg_config.h"
#include "shared/net/ip_address.h"
#include "shared/sys/namespaces.h"
#include "wg4netns/daemon/attach_options.h"
#include "wg4netns/daemon/helper_process.h"
#include "wg4netns/daemon/tunnel_facts.h"

namespace wg4 {

/// How many threads move packets, unless the TUN has fewer queues.
[[nodiscard]] unsigned thread_count(const TunnelOptions& options);

struct AttachedInterface {
  std::vector<UniqueFd> queues;  ///< of its TUN, at least one
  std::string name;              ///< for people: "wg0 in process 4711"
  LinkOwner link_owner = LinkOwner::others;
  IpAddress own_address{};            ///< for published ports that name no address
  std::optional<Agent> agent{};       ///< the helper, if it stays to dial for them
  std::vector<UniqueFd> listeners{};  ///< in the namespace, for ways out
};

/// Everything but keys goes to the helper. The interface goes with the last of its queues' descriptors.
[[nodiscard]] Result<AttachedInterface> make_interface(const AttachCommand& command, TargetNamespaces target,
                                                       const WgConfig& config, std::uint16_t mtu);

/// An interface that another program has made and sets up, by the descriptor of its TUN.
[[nodiscard]] Result<AttachedInterface> adopt_interface(const ServeCommand& command);

}  // namespace wg4
