#pragma once
// One of each message that our processes send to each other, with something in each of its fields. A new message is
// added here, and so to the tests and the fuzzer of all of them.

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "netns-helper/container/command_rules.h"
#include "netns-helper/container/container.h"
#include "netns-helper/container/id_mapping.h"
#include "netns-helper/container/operations/operation.h"
#include "netns-helper/container/setup.h"
#include "shared/handoff/handoff.h"
#include "shared/link/link_plan.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"
#include "shared/net/protocol.h"
#include "shared/sys/sandbox_mode.h"
#include "shared/sys/syscall_filter.h"
#include "wg4netns/daemon/messages.h"
#include "wg4netns/doctor/namespace_facts.h"
#include "wg4netns/doctor/view_facts.h"
#include "wg4netns/forward/start_message.h"
#include "wg4netns/supervise/broker_message.h"
#include "wg4netns/supervise/keeper_message.h"
#include "wg4netns/verify/inside_facts.h"

namespace wg4::test {

inline LinkPlan link_plan() {
  return {.mtu = 1420,
          .addresses = {*Prefix::parse("10.0.0.2/24"), *Prefix::parse("fd00::2/64")},
          .routes = {*Prefix::parse("192.168.1.0/24"), *Prefix::parse("0.0.0.0/0"), *Prefix::parse("::/0")},
          .table = 51820,
          .route_sources = {*IpAddress::parse("10.0.0.2"), *IpAddress::parse("fd00::2")},
          .route_mtu = 1400,
          .gateways = {*IpAddress::parse("10.0.0.1"), *IpAddress::parse("fd00::1")},
          .retired_addresses = {*Prefix::parse("10.9.0.2/32")},
          .local_networks = {*Prefix::parse("192.168.1.0/24")}};
}

inline keeper::IdsMapped keeper_ids() {
  return {.uid = 1000, .gid = 1000, .rung = container::Rung::helper_uid_only, .sub_ids = true};
}

inline container::Container container_with_all() {
  using namespace container;
  return {
      .path = "/bin/true",
      .arguments = {"true", ""},
      .environment = {"A=b"},
      .directory = "/x",
      .else_directories = {"/"},
      .as_pid_1 = true,
      .hostname = "box",
      .privileged = true,
      .capabilities = 3,
      .operations =
          {Bind{.source = "/a", .target = "/b", .descriptor = 5, .optional = true}, Dev{.console = true}, Proc{},
           Sysfs{}, Mqueue{}, Tmpfs{.target = "/tmp", .size = 4096, .mode = 01777}, ReadOnly{.target = "/r"},
           Mkdir{.target = "/d"},
           Overlay{
               .target = "/o", .lower = {"/a", "/b"}, .writes = Overlay::Writes::to_upper, .upper = "/u", .work = "/w"},
           Place{.target = "/f", .bytes = std::string("a\0b", 3), .as = Place::As::file},
           Link{.target = "/l", .text = "f"}, Chmod{.target = "/f"}, Remount{.target = "/", .no_exec = true},
           Etc{.source = "/etc", .without = {"passwd"}}, Root{.source = "/", .writable = true}},
      .host_abstract = true,
      .log_denied = true,
      .landlock = {.mode = LandlockSettings::Mode::require,
                   .files = true,
                   .readable = {"/usr"},
                   .writable = {"/tmp"},
                   .ports_to_bind = {80},
                   .ports_to_connect = {443}},
      .cancel_signal = 12,
      .forward_cancel = true};
}

inline auto one_of_each_message() {
  return std::tuple{
      handoff::Begin{.follows = true,
                     .target = "process 7",
                     .ifname = "wg7",
                     .vnet_hdr = true,
                     .queues = 16,
                     .await_owner = true,
                     .configure = handoff::Configure::mtu,
                     .sandbox = SandboxMode::off,
                     .agent = true,
                     .port_tables = true,
                     .tcp_listeners = {*Endpoint::parse("127.0.0.1:5432")},
                     .udp_listeners = {*Endpoint::parse("[::]:53")}},
      handoff::TunReady{.ifname = "wg0", .tun_flags = 0x5101, .existed = true},
      handoff::Listening{},
      handoff::PlanPart{.bytes = {1, 2, 3}, .last = true},
      handoff::Plan{.plan = link_plan()},
      handoff::Done{.warnings = {"no IPv6 here", ""}, .changes = {"MTU 1300"}},
      handoff::Failure{.error = {"open /dev/net/tun", 13, "chmod it"}},
      handoff::Dial{.protocol = Protocol::udp, .address = *IpAddress::parse("fd00::5"), .port = 53},
      handoff::Dialed{.error = 111},
      forward::PublishPorts{.guest = *IpAddress::parse("10.0.2.100"), .has_agent = true, .has_api = true, .inside = 2},
      NameQuestion{.id = 70'000, .host = "vpn.example.com", .port = 51820},
      NameAnswer{.id = 70'000, .error = -2, .endpoint = *Endpoint::parse("[fe80::1%3]:51820")},
      TunnelToReload{.control = "wg0"},
      ReloadOrder{.what = ReloadOrder::What::start_resolver},
      ReloadEnded{},
      FilesToRemove{.names = {"wg0.sock", "api.sock"}},
      broker::Request{.kind = broker::Request::Kind::stop,
                      .key = "0123/eth0",
                      .ifname = "eth0",
                      .config = "/vpn.conf",
                      .mtu = "1300",
                      .ports = {"8080:80", "53:53/udp"}},
      broker::Reply{.error = "two\nlines"},
      TunnelNames{.servers = {*IpAddress::parse("10.0.0.1")},
                  .search = {"example.org"},
                  .addresses = {"10.0.0.2/24"},
                  .peers = {*IpAddress::parse("fd00::1")}},
      keeper::UserNamespaceMade{},
      keeper_ids(),
      keeper::NamespacesMade{.pid = 4711},
      keeper::MakeView{.servers = {*IpAddress::parse("10.0.0.1")},
                       .search = {"example.org"},
                       .hosts = {"nas:10.0.0.9"},
                       .hosts_text = "127.0.0.1 localhost\n"},
      keeper::ViewMade{.open = {"/run/user/1000/wayland-0"}},
      keeper::Serve{.keeper = 4711,
                    .tunnel = 4712,
                    .config = "/vpn.conf",
                    .options = {"--root", "--dns=10.0.0.1"},
                    .addresses = {"10.0.0.2/24"},
                    .peers = {*IpAddress::parse("10.0.0.1")},
                    .ways = {"host port 127.0.0.1:80 (tcp) at 127.0.0.1:80"}},
      keeper::Failure{.error = {"mount /proc", 1, "leave out --pid"}},
      keeper::Join{.config = "/vpn.conf", .options = {"--pid"}},
      keeper::Joined{.ids = keeper_ids(),
                     .own_pids = true,
                     .contained = true,
                     .directory = "/x",
                     .addresses = {"10.0.0.2/24"},
                     .peers = {*IpAddress::parse("10.0.0.1")},
                     .forwarded_port = 50'000},
      keeper::ForwardedPort{.port = 50'000},
      keeper::Inside{.pid = 4713},
      keeper::Names{.servers = {*IpAddress::parse("10.0.0.1")},
                    .search = {"example.org"},
                    .addresses = {"10.0.0.2/24"},
                    .peers = {*IpAddress::parse("10.0.0.1")}},
      keeper::Done{},
      keeper::Order{.what = keeper::Order::What::end_by_force},
      keeper::Settled{.kept = true},
      keeper::State{.keeper = 4711,
                    .tunnel = 4712,
                    .tunnel_runs = true,
                    .kept = true,
                    .own_pids = true,
                    .ids = keeper_ids(),
                    .config = "/vpn.conf",
                    .options = {"--root"},
                    .addresses = {"10.0.0.2/24"},
                    .open = {"/run/shm"},
                    .ways = {"host port 127.0.0.1:80 (tcp) at 127.0.0.1:80"},
                    .forwarded_port = 50'000,
                    .net = 4'026'532'000,
                    .inside = {"4713"}},
      doctor::NamespaceFacts{.namespaces_error = 1,
                             .tun_tried = true,
                             .tun_error = 2,
                             .tun_header = true,
                             .tun_checksum = true,
                             .tun_tso = true,
                             .tun_uso = true},
      verify::Interface{.name = "wg0", .kind = "tun", .up = true},
      verify::Route{.destination = *Prefix::parse("10.0.0.0/8"), .interface = "wg0"},
      verify::NameFile{.name = "hosts",
                       .found = true,
                       .device = 1,
                       .inode = 2,
                       .folder_device = 1,
                       .read_only = true,
                       .text = "127.0.0.1 localhost\n"},
      verify::Attempt{.kind = verify::Attempt::Kind::typing, .path = "/run/nscd/socket", .error = 2},
      verify::Server{.address = *IpAddress::parse("10.0.0.1"), .answered = true},
      verify::Unseen{.what = "list the routes", .error = 1},
      verify::Rights{.signals_scoped = true, .net_cookie = 4711, .own_sockets = 1},
      container::SetUp{.container = container_with_all(),
                       .uid = 1000,
                       .gid = 1000,
                       .new_network = true,
                       .extra_files = {3, 40},
                       .filters = {FilterProgram{{.code = 6, .jt = 0, .jf = 0, .k = 0x7fff'0000}}},
                       .blocked_signals = 1,
                       .wait_delay_ms = 5000,
                       .adopt_wait_delay_ms = 1},
      container::Failure{.error = {"bind /x", 2, "make it"}, .status = 125},
      container::Started{},
      container::Ended{.ending = {.status = {.signaled = true, .value = 9}, .cancelled = true}},
      container::CommandRules{.container = {.privileged = true, .capabilities = 3, .landlock = {.readable = {"/usr"}}},
                              .filters = {FilterProgram{{.code = 6, .jt = 0, .jf = 0, .k = 0x7fff'0000}}}},
      doctor::ViewFacts{.tried = true, .refused = {"mount a tmpfs at /etc", 1, "ask AppArmor"}}};
}

using Messages = decltype(one_of_each_message());

/// Calls `what` with each of them.
inline void for_each_message(const auto& what) {
  std::apply([&](const auto&... message) { (what(message), ...); }, one_of_each_message());
}

}  // namespace wg4::test
