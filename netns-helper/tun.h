#pragma once
// The TUN interface of this thread's network namespace.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "netns-helper/replaced_tap.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/netlink.h"

namespace wg4 {

struct TunRequest {
  std::string ifname;
  bool vnet_hdr = false;
  unsigned queues = 1;
  bool await_owner = false;  ///< of a TAP that is there: it may be setting it up right now
};

/// Without a queue open the interface is gone, unless somebody had made it persistent before.
struct Tun {
  std::string ifname;       ///< as the kernel gave it; of a replaced TAP: what it will be
  std::uint16_t flags = 0;  ///< IFF_*
  bool existed = false;     ///< there was an interface of that name: its owner configures this one
  std::vector<UniqueFd> queues;
  std::optional<ReplacedTap> replaced;  ///< is yet to give its name to the TUN
};

/// Makes a TUN without packet information (IFF_NO_PI). A persistent TUN of that name that nobody uses is attached to,
/// with one queue if it is not a multi-queue one; a persistent TAP that nobody uses, which RootlessKit makes, is to be
/// replaced. Any other interface of that name is an error.
[[nodiscard]] Result<Tun> make_tun(Netlink& netlink, const TunRequest& request);

/// The interface that a descriptor is of, and the network namespace that it was made in.
struct TunOfDescriptor {
  std::string ifname;
  UniqueFd net;
};

/// Fails for anything but a descriptor of /dev/net/tun that has an interface. Needs the rights of the namespace's
/// owner.
[[nodiscard]] Result<TunOfDescriptor> look_at_tun(int fd);

}  // namespace wg4
