// wg4netns-helper: makes a TUN inside a network namespace, hands it over, configures it, and is gone.
//
// The host program starts it with one end of a socket pair (shared/handoff/handoff.h has the talk). It joins the
// namespaces as early as it can and gives up rights as soon as it can; it holds no key, runs no other program, and its
// own copies of the TUN's descriptors are closed once they are sent: if the host program dies, the interface dies.
// Where ports are published it stays, without any rights, as the agent that dials them (agent.h).

#include <linux/capability.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "netns-helper/agent.h"
#include "netns-helper/cli.h"
#include "netns-helper/link.h"
#include "netns-helper/listeners.h"
#include "netns-helper/port_tables.h"
#include "netns-helper/replaced_tap.h"
#include "netns-helper/sandbox.h"
#include "netns-helper/syscall_tables.h"
#include "netns-helper/tun.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/handoff/handoff.h"
#include "shared/link/link_plan.h"
#include "shared/sys/capabilities.h"
#include "shared/sys/log.h"
#include "shared/sys/namespaces.h"
#include "shared/sys/netlink.h"
#include "shared/wire/message_socket.h"

namespace wg4 {
namespace {

constexpr std::uint64_t net_admin_only = std::uint64_t{1} << CAP_NET_ADMIN;
/// Ports below 1024, and listeners that are bound to an interface, which took a right before Linux 5.7.
constexpr std::uint64_t rights_to_listen = std::uint64_t{1} << CAP_NET_BIND_SERVICE | std::uint64_t{1} << CAP_NET_RAW;

using handoff::Begin;
using handoff::Configure;

Result<void> check_host_socket(int fd) {
  constexpr const char* by_hand = "This program is started by wireguard4netns, not by hand";
  int type = 0;
  socklen_t size = sizeof type;
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0)
    return fail("descriptor " + std::to_string(fd), errno, by_hand);
  if (type != SOCK_SEQPACKET)
    return fail("descriptor " + std::to_string(fd) + " is not a SOCK_SEQPACKET socket", 0, by_hand);
  return {};
}

/// Those of the interface of a TUN's descriptor, whose name is returned.
Result<std::string> enter_namespaces_of(UniqueFd tun) {
  TunOfDescriptor found = TRY(look_at_tun(tun.get()));
  tun.reset();
  UniqueFd user = TRY(owning_userns(found.net.get()));
  TRY(enter({"that of " + found.ifname, std::move(user), std::move(found.net)}));
  return std::move(found.ifname);
}

/// The whole plan; nothing if the host program has closed its end.
Result<std::optional<LinkPlan>> receive_plan(int host) {
  handoff::PlanReader reader;
  for (;;) {
    const auto part = TRY(wire::receive<handoff::PlanPart>(host));
    if (!part) return std::nullopt;
    if (auto plan = TRY(reader.add(part->message))) return plan;
  }
}

/// The plan, as far as it is wanted; sentences for the user.
Result<std::vector<std::string>> configure(Netlink& netlink, const std::string& ifname, bool existed, Configure wanted,
                                           const LinkPlan& plan) {
  if (wanted == Configure::yes || (wanted == Configure::automatic && !existed))
    return apply_plan(netlink, ifname, plan);
  if (wanted == Configure::mtu) TRY(apply_mtu(netlink, ifname, plan.mtu));
  return std::vector<std::string>{};
}

/// The TAP ends, whether all goes well or not: it has lost its name.
Result<std::vector<std::string>> replace(Netlink& netlink, ReplacedTap& tap, Configure wanted, LinkPlan plan) {
  LinkPlan bare;
  bare.mtu = plan.mtu;
  TRY(configure(netlink, tap.name_of_tun(), true, wanted, bare));
  TRY(tap.await_owner(netlink));
  TRY(tap.give_name(netlink));
  plan.mtu = tap.mtu().value_or(plan.mtu);
  auto warnings = configure(netlink, tap.name(), true, wanted, plan);
  const auto given = warnings ? tap.give_rest(netlink) : Result<void>{};
  TRY(tap.remove(netlink));
  TRY(given);
  return warnings;
}

/// All that needs rights in the namespace. False if the host program has ended meanwhile.
Result<bool> set_up(const Begin& begin, TargetNamespaces target, int host) {
  const pid_t parent = getppid();
  TRY(enter(target));
  target = {};  // their descriptors are closed
  TRY(stay_with_parent(parent));
  const bool listens = !begin.tcp_listeners.empty() || !begin.udp_listeners.empty();
  TRY(keep_capabilities(listens ? net_admin_only | rights_to_listen : net_admin_only));

  Netlink netlink = TRY(Netlink::open());
  const std::vector<UniqueFd> listeners = listens ? TRY(open_listeners(netlink, begin)) : std::vector<UniqueFd>{};
  TRY(keep_capabilities(net_admin_only));
  Tun tun = TRY(make_tun(netlink, {begin.ifname, begin.vnet_hdr, begin.queues, begin.await_owner}));
  TRY(wire::send(host, handoff::TunReady{tun.ifname, tun.flags, tun.existed}, tun.queues));
  tun.queues.clear();
  if (listens) TRY(wire::send(host, handoff::Listening{}, listeners));
  const std::vector<UniqueFd> port_tables = begin.port_tables ? TRY(open_port_tables()) : std::vector<UniqueFd>{};
  TRY(confine(begin.sandbox, begin.agent ? HelperRole::dials : HelperRole::configures));

  const auto plan = TRY(receive_plan(host));
  if (!plan) return false;  // nobody is left to work for
  handoff::Done done;
  done.warnings = TRY(tun.replaced ? replace(netlink, *tun.replaced, begin.configure, *plan)
                                   : configure(netlink, tun.ifname, tun.existed, begin.configure, *plan));
  TRY(keep_capabilities(0));
  TRY(wire::send(host, done, port_tables));
  return true;
}

/// An interface that serves follows another plan: no TUN is made, and what it is and where it lies is asked of the
/// descriptor, so that whoever passes it can name no other namespace than its own.
Result<void> follow(const Begin& begin, UniqueFd given, int host) {
  const pid_t parent = getppid();
  const std::string ifname = TRY(enter_namespaces_of(std::move(given)));
  TRY(stay_with_parent(parent));
  TRY(keep_capabilities(net_admin_only));
  Netlink netlink = TRY(Netlink::open());
  TRY(wire::send(host, handoff::TunReady{ifname, 0, true}));
  TRY(confine(begin.sandbox, HelperRole::configures));
  const auto plan = TRY(receive_plan(host));
  if (!plan) return {};
  auto followed = TRY(follow_plan(netlink, ifname, *plan));
  TRY(keep_capabilities(0));
  return wire::send(host, handoff::Done{std::move(followed.warnings), std::move(followed.changes)});
}

Result<void> work(int host) {
  TRY(protect_process(std::array{host}));
  TRY(stay_with_parent(getppid()));
  auto received = TRY(wire::receive<Begin>(host, handoff::max_begin_fds));
  if (!received) return {};  // nobody is left to work for
  const Begin& begin = received->message;
  std::vector<UniqueFd>& fds = received->fds;
  if (fds.size() != (begin.follows ? 1 : handoff::max_begin_fds))
    return fail("the host program did not pass what the interface is to be in");
  if (begin.follows) return follow(begin, std::move(fds[0]), host);
  TargetNamespaces target{.name = begin.target, .user = std::move(fds[1]), .net = std::move(fds[0])};
  const bool is_set_up = TRY(set_up(begin, std::move(target), host));
  return is_set_up && begin.agent ? run_agent(host) : Result<void>{};
}

int run(int host) {
  if (const auto usable = check_host_socket(host); !usable) {
    log::error("{}", usable.error().message());
    return 1;
  }
  const auto worked = work(host);
  if (worked) return 0;
  // The host program tells the user; only without one is it ours to tell.
  if (!wire::send(host, handoff::Failure{worked.error()})) log::error("{}", worked.error().message());
  return 1;
}

}  // namespace
}  // namespace wg4

#ifdef WG4_SANITIZED
// LeakSanitizer traces the process when it ends, which this one forbids.
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }
#endif

int main(int argc, char** argv) {
  wg4::log::set_program("wg4netns-helper");
  if (const auto status = wg4::answer_arguments(argc, argv)) return *status;
  return wg4::run(wg4::handoff::helper_socket);
}
