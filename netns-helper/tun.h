#pragma once
// The TUN interface of this thread's network namespace.

#include <cstdint>
#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/netlink.h"

namespace wg4 {

struct TunRequest {
  std::string ifname;
  bool vnet_hdr = false;
  unsigned queues = 1;
  bool await_owner = false;  ///< of a TAP that is there: until it has an IPv4 default route, but not for long
};

/// Without a queue open the interface is gone, unless somebody had made it persistent before.
struct Tun {
  std::string ifname;       ///< as the kernel gave it
  std::uint16_t flags = 0;  ///< IFF_*
  bool existed = false;     ///< there was an interface of that name: its owner configures this one
  std::vector<UniqueFd> queues;
};

/// Makes a TUN without packet information (IFF_NO_PI). A persistent TUN of that name that nobody uses is attached to,
/// with one queue if it is not a multi-queue one; a persistent TAP that nobody uses, which RootlessKit makes, gives way
/// to a TUN. Any other interface of that name is an error.
[[nodiscard]] Result<Tun> make_tun(Netlink& netlink, const TunRequest& request);

}  // namespace wg4
