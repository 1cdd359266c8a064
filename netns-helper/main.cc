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
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "netns-helper/agent.h"
#include "netns-helper/cli.h"
#include "netns-helper/link.h"
#include "netns-helper/port_tables.h"
#include "netns-helper/replaced_tap.h"
#include "netns-helper/sandbox.h"
#include "netns-helper/syscall_tables.h"
#include "netns-helper/tun.h"
#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/handoff/handoff.h"
#include "shared/link/link_plan.h"
#include "shared/sys/capabilities.h"
#include "shared/sys/fd_pass.h"
#include "shared/sys/log.h"
#include "shared/sys/namespaces.h"
#include "shared/sys/netlink.h"

namespace wg4 {
namespace {

constexpr std::uint64_t net_admin_only = std::uint64_t{1} << CAP_NET_ADMIN;

Result<void> check_is_handoff_socket(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0)
    return fail("--handoff-fd " + std::to_string(fd), errno, "This program is started by wireguard4netns, not by hand");
  if (type != SOCK_SEQPACKET) return fail("--handoff-fd " + std::to_string(fd) + " is not a SOCK_SEQPACKET socket");
  return {};
}

/// Their descriptors are closed again when this returns.
Result<void> enter_namespaces(const Options& options) {
  return enter({options.target, UniqueFd(options.userns_fd), UniqueFd(options.netns_fd)});
}

/// Those of the interface of a TUN's descriptor, whose name is returned.
Result<std::string> enter_namespaces_of(const UniqueFd& tun) {
  TunOfDescriptor found = TRY(look_at_tun(tun.get()));
  UniqueFd user = TRY(owning_userns(found.net.get()));
  TRY(enter({"that of " + found.ifname, std::move(user), std::move(found.net)}));
  return std::move(found.ifname);
}

Result<void> send(int host, const handoff::Message& message, std::span<const UniqueFd> fds = {}) {
  return send_message(host, handoff::encode(message), fds);
}

/// The whole plan; nothing if the host program has closed its end.
Result<std::optional<LinkPlan>> receive_plan(int host) {
  LinkPlan plan;
  std::vector<std::uint8_t> buffer(handoff::max_message_size);
  for (;;) {
    const auto received = TRY(receive_message(host, buffer));
    if (!received) return std::nullopt;
    handoff::Message message = TRY(handoff::decode(ByteView(buffer).first(received->size)));
    auto* part = std::get_if<handoff::PlanPart>(&message);
    if (part == nullptr) return fail("the host program sent something else than a plan");
    const bool last = part->last;
    handoff::append(plan, std::move(*part));
    if (last) return plan;
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
Result<bool> set_up(const Options& options, int host) {
  const pid_t parent = getppid();
  TRY(protect_process(std::array{host, options.netns_fd, options.userns_fd}));
  TRY(stay_with_parent(parent));
  TRY(enter_namespaces(options));
  TRY(stay_with_parent(parent));
  TRY(keep_capabilities(net_admin_only));

  Netlink netlink = TRY(Netlink::open());
  Tun tun = TRY(make_tun(netlink, {options.ifname, options.vnet_hdr, options.queues, options.await_owner}));
  TRY(send(host, handoff::TunReady{tun.ifname, tun.flags, tun.existed}, tun.queues));
  tun.queues.clear();
  const std::vector<UniqueFd> port_tables = options.port_tables ? TRY(open_port_tables()) : std::vector<UniqueFd>{};
  TRY(confine(options.sandbox, options.agent ? HelperRole::dials : HelperRole::configures));

  const auto plan = TRY(receive_plan(host));
  if (!plan) return false;  // nobody is left to work for
  handoff::Done done;
  done.warnings = TRY(tun.replaced ? replace(netlink, *tun.replaced, options.configure, *plan)
                                   : configure(netlink, tun.ifname, tun.existed, options.configure, *plan));
  TRY(keep_capabilities(0));
  TRY(send(host, done, port_tables));
  return true;
}

/// An interface that serves follows another plan: no TUN is made, and what it is and where it lies is asked of the
/// descriptor, so that whoever passes it can name no other namespace than its own.
Result<void> follow(const Options& options, int host) {
  const pid_t parent = getppid();
  TRY(protect_process(std::array{host, options.tun_fd}));
  TRY(stay_with_parent(parent));
  const std::string ifname = TRY(enter_namespaces_of(UniqueFd(options.tun_fd)));
  TRY(stay_with_parent(parent));
  TRY(keep_capabilities(net_admin_only));
  Netlink netlink = TRY(Netlink::open());
  TRY(send(host, handoff::TunReady{ifname, 0, true}));
  TRY(confine(options.sandbox, HelperRole::configures));
  const auto plan = TRY(receive_plan(host));
  if (!plan) return {};
  auto followed = TRY(follow_plan(netlink, ifname, *plan));
  TRY(keep_capabilities(0));
  return send(host, handoff::Done{std::move(followed.warnings), std::move(followed.changes)});
}

Result<void> work(const Options& options, int host) {
  if (options.tun_fd >= 0) return follow(options, host);
  const bool is_set_up = TRY(set_up(options, host));
  return is_set_up && options.agent ? run_agent(host) : Result<void>{};
}

int run(const Options& options) {
  const int host = options.handoff_fd;
  if (const auto usable = check_is_handoff_socket(host); !usable) {
    log::error("{}", usable.error().message());
    return 1;
  }
  const auto worked = work(options, host);
  if (worked) return 0;
  // The host program tells the user; only without one is it ours to tell.
  if (!send(host, handoff::Failure{worked.error()})) log::error("{}", worked.error().message());
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
  const auto parsed = wg4::parse_command_line(argc, argv);
  if (const auto* status = std::get_if<int>(&parsed)) return *status;
  return wg4::run(std::get<wg4::Options>(parsed));
}
