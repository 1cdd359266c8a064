#pragma once
// RootlessKit makes a persistent TAP for what it takes for slirp4netns or pasta, and sets it up itself: up, MTU,
// N+100/24 and, last, a default route. A tunnel needs a TUN, and a TAP does not become one.
//
// RootlessKit 2.0 to 2.2 waits for nobody: its child runs ip(8) on the TAP at the very time at which its pasta starts.
// Whatever the order, none of these commands may fail for want of the interface, and nothing that was set may get lost:
//
//   the TUN is made under a name of its own, and brought up, while the TAP stays what it is
//   await_owner()   until the default route is there, or nothing changes any more
//   give_name()     the TUN has the name from now on; what comes by name comes to it
//                   ... what the tunnel needs is set on the TUN; the namespace still has the TAP's routes
//   give_rest()     what is on the TAP is put on the TUN, also what somebody set on it who had looked it up before
//   remove()
//
// Linux has no exchange of names: for about a millisecond there is none of this name. From await_owner() on everything
// is quick, so that this is over before the owner's next step.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/result.h"
#include "shared/sys/netlink.h"

namespace wg4 {

class ReplacedTap {
 public:
  ReplacedTap(Link tap, bool set_up_now) : link_(std::move(tap)), awaited_(set_up_now) {}

  /// The interface's name; after give_name() that of the TUN.
  [[nodiscard]] const std::string& name() const { return name_; }
  /// What the TUN is called until then.
  [[nodiscard]] std::string name_of_tun() const { return "wg4tun" + std::to_string(link_.index); }

  /// If the owner sets it up now. Returns in seconds, whatever the owner does.
  [[nodiscard]] Result<void> await_owner(Netlink& netlink);
  [[nodiscard]] Result<void> give_name(Netlink& netlink);
  /// What the owner has set, in bytes.
  [[nodiscard]] std::optional<std::uint16_t> mtu() const;
  [[nodiscard]] Result<void> give_rest(Netlink& netlink);
  [[nodiscard]] Result<void> remove(Netlink& netlink);

 private:
  [[nodiscard]] Result<void> look(Netlink& netlink);
  [[nodiscard]] Result<void> give(Netlink& netlink, const Link& tun);

  Link link_;  // as it was when last looked at, as are its entries
  std::string name_ = link_.name;
  std::vector<LinkEntry> entries_;
  bool awaited_;  // the owner may not be done
  bool removed_ = false;
};

}  // namespace wg4
