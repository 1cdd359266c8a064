// Tunnels of all kinds, made up, and what is said of the isolation of each.

#include "netns-helper/container/id_mapping.h"
#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"
#include "wg4netns/doctor/report.h"
#include "wg4netns/verify/facts.h"
#include "wg4netns/verify/inside_facts.h"
#include "wg4netns/verify/isolation_checks.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

using namespace wg4;
using namespace wg4::verify;
using doctor::CheckResult;
using doctor::Verdict;
using Kind = Attempt::Kind;

namespace {

constexpr std::uint64_t capability = 1U << 12U;  // CAP_NET_ADMIN

NameFile name_file(const char* name, std::uint64_t inode, const char* text) {
  return {
      .name = name, .found = true, .device = 90, .inode = inode, .folder_device = 90, .read_only = true, .text = text};
}

ProcessFacts process(int pid) {
  return {.pid = pid,
          .command = "curl",
          .namespaces = {.user = 11, .mounts = 12, .net = 13, .pids = 4},
          .rights = ProcessRights{.bounding = capability, .no_new_privs = true, .filtered = true},
          .descriptors = {},
          .outer_folder = {},
          .descriptors_error = 0};
}

/// A tunnel as it should be.
Facts good() {
  Facts facts;
  facts.state.ids = {.uid = 1000, .gid = 1000, .rung = container::Rung::direct, .sub_ids = false};
  facts.mapping = "direct";
  facts.host = {.user = 1, .mounts = 2, .net = 3, .pids = 4};
  facts.tunnel = {.user = 11, .mounts = 12, .net = 13, .pids = 4};
  facts.host_files = {{"resolv.conf", 8, 1}, {"hosts", 8, 2}, {"nsswitch.conf", 8, 3}};
  facts.inside.interfaces = {{"lo", "", true}, {"wg0", "tun", true}};
  facts.inside.routes = {{*Prefix::parse("0.0.0.0/0"), "wg0"}, {*Prefix::parse("::1/128"), "lo"}};
  facts.inside.name_files = {name_file("resolv.conf", 1, "nameserver 10.0.0.1\n"), name_file("hosts", 2, ""),
                             name_file("nsswitch.conf", 3, "passwd: files\nhosts:   files dns\n")};
  for (const Kind kind : {Kind::nscd, Kind::resolved, Kind::avahi, Kind::system_bus, Kind::session_bus, Kind::engine,
                          Kind::service_manager})
    facts.inside.attempts.push_back({kind, "/run/some/socket", ENOENT});
  facts.inside.attempts.push_back({Kind::keys, "/run/user/1000/wireguard", ENOENT});
  facts.inside.attempts.push_back({Kind::configuration, "/h/.config/wireguard4netns/profiles/work.conf", ENOENT});
  facts.inside.attempts.push_back({Kind::memory, "/proc/4712/mem", EACCES});
  facts.inside.attempts.push_back({Kind::signal, "4712", EPERM});
  facts.inside.attempts.push_back({Kind::typing, "the terminal", EPERM});
  facts.inside.servers = {{*IpAddress::parse("10.0.0.1"), true}};
  facts.inside.rights = Rights{.signals_scoped = true, .net_cookie = 4711, .own_sockets = 0};
  facts.traffic = {.answers = true, .sent_more = true, .handshake_age = 5};
  facts.processes = {process(4713)};
  facts.can_scope_signals = true;
  facts.hidden_folder = "/h/.config/wireguard4netns";
  facts.allowed_capabilities = capability;
  return facts;
}

/// The lines that are not ok.
std::vector<std::string> complaints(const Facts& facts) {
  std::vector<std::string> lines;
  for (const CheckResult& result : check_isolation(facts))
    if (result.verdict != Verdict::ok) lines.push_back(doctor::line_of(result));
  return lines;
}

/// There is one, which begins and goes on like this.
bool says_only(const Facts& facts, const std::string& start, const std::string& part) {
  const auto lines = complaints(facts);
  if (lines.size() == 1 && lines.front().starts_with(start) && lines.front().find(part) != std::string::npos)
    return true;
  for (const std::string& line : lines) MESSAGE(line);
  return false;
}

/// The line for an attempt that succeeds.
bool says_of_open_way(Kind kind, const std::string& path, const std::string& start) {
  Facts facts = good();
  facts.inside.attempts.push_back({kind, path, 0});
  return says_only(facts, start, path);
}

}  // namespace

TEST_CASE("a good tunnel has nothing but ok") {
  CHECK(complaints(good()).empty());
  CHECK(doctor::is_well(check_isolation(good())));
}

TEST_CASE("a namespace of the host's") {
  Facts facts = good();
  facts.tunnel.net = facts.host.net;
  for (ProcessFacts& each : facts.processes) each.namespaces.net = 99;
  CHECK(complaints(facts).front().starts_with("problem  namespaces: the tunnel's network namespace is the host's"));
  facts = good();
  facts.state.own_pids = true;
  CHECK(says_only(facts, "problem  namespaces", "PID namespace is the host's"));
}

TEST_CASE("another interface is a way out, unless it is down") {
  Facts facts = good();
  facts.inside.interfaces.push_back({"eth0", "veth", true});
  CHECK(says_only(facts, "problem  interfaces", "there is eth0 (veth)"));
  facts.inside.interfaces.back().up = false;
  CHECK(says_only(facts, "note     interfaces", "eth0 (veth), which is down"));
  facts = good();
  facts.inside.interfaces.pop_back();
  CHECK(says_only(facts, "note     interfaces", "nothing can leave"));
  facts = good();
  facts.inside.interfaces.back().kind = "dummy";
  CHECK(says_only(facts, "problem  interfaces", "wg0 (dummy)"));
}

TEST_CASE("routes of either family that do not lead into the tunnel") {
  Facts facts = good();
  facts.inside.routes.push_back({*Prefix::parse("10.9.0.0/16"), "eth0"});
  CHECK(says_only(facts, "problem  routes-ipv4", "10.9.0.0/16 through eth0"));
  facts.inside.routes.back() = {*Prefix::parse("2001:db8::/32"), ""};
  CHECK(says_only(facts, "problem  routes-ipv6", "2001:db8::/32 through no single interface"));
  facts.inside.routes.back() = {*Prefix::parse("0.0.0.0/1"), "lo"};
  CHECK(says_only(facts, "problem  routes-ipv4", "0.0.0.0/1 through lo"));
}

TEST_CASE("a host that is reached by its loopback address, or by an abstract name") {
  Facts facts = good();
  facts.loopback_reached = true;
  CHECK(says_only(facts, "problem  host-loopback", ""));
  facts = good();
  facts.abstract_reached = true;
  CHECK(says_only(facts, "problem  abstract-sockets", ""));
}

TEST_CASE("DNS: an answer counts if the tunnel has sent something") {
  Facts facts = good();
  facts.traffic.sent_more = false;
  CHECK(says_only(facts, "problem  dns", "10.0.0.1 answers, although nothing was sent"));
  facts.inside.servers.front().answered = false;
  CHECK(says_only(facts, "unknown  dns", "was not answered, and nothing was sent"));
  facts.traffic.sent_more = true;
  CHECK(says_only(facts, "note     dns", "went into the tunnel"));
  facts.inside.servers.clear();
  CHECK(says_only(facts, "note     dns", "names do not resolve"));
  facts = good();
  facts.traffic = {};
  CHECK(complaints(facts).size() == 2);
  CHECK(complaints(facts).back().starts_with("unknown  handshake"));
}

TEST_CASE("the last handshake") {
  Facts facts = good();
  facts.traffic.handshake_age.reset();
  facts.inside.servers.front().answered = false;
  const auto lines = complaints(facts);
  REQUIRE_EQ(lines.size(), 2);
  CHECK(lines.front().starts_with("unknown  dns"));  // what was sent are handshakes
  CHECK(lines.back().starts_with("note     handshake: no peer has answered yet"));
  facts.traffic.handshake_age = 181;
  CHECK(complaints(facts).back().starts_with("note     handshake: the last one is more than three minutes ago"));
}

TEST_CASE("files by which names are resolved that are not the tunnel's own") {
  const auto with = [](const auto& change) {
    Facts facts = good();
    change(facts.inside.name_files.back());
    return facts;
  };
  CHECK(says_only(with([](NameFile& file) { file.device = file.folder_device = 8; }), "problem  names",
                  "/etc/nsswitch.conf is the host's"));
  CHECK(says_only(with([](NameFile& file) { file.device = 91; }), "problem  names", "not in the tunnel's own /etc"));
  CHECK(says_only(with([](NameFile& file) { file.found = false; }), "problem  names", "is not there"));
  CHECK(says_only(with([](NameFile& file) { file.read_only = false; }), "problem  names", "can be written to"));
  CHECK(says_only(with([](NameFile& file) { file.text = "hosts: files resolve\n"; }), "problem  names",
                  "resolved by 'files resolve'"));
}

TEST_CASE("services that answer, each by its name") {
  CHECK(says_of_open_way(Kind::nscd, "/run/nscd/socket", "problem  nscd"));
  CHECK(says_of_open_way(Kind::resolved, "/run/systemd/resolve/io.systemd.Resolve", "problem  systemd-resolved"));
  CHECK(says_of_open_way(Kind::avahi, "/run/avahi-daemon/socket", "problem  avahi"));
  CHECK(says_of_open_way(Kind::system_bus, "/run/dbus/system_bus_socket", "problem  system-bus"));
  CHECK(says_of_open_way(Kind::session_bus, "/run/user/1000/bus", "problem  session-bus"));
  CHECK(says_of_open_way(Kind::engine, "/run/docker.sock", "problem  container-engines"));
  CHECK(says_of_open_way(Kind::service_manager, "/run/systemd/private", "problem  service-manager"));
  CHECK(says_of_open_way(Kind::run_socket, "/run/x/y", "problem  sockets"));
  CHECK(says_of_open_way(Kind::other_socket, "/tmp/.X11-unix/X0", "note     other-sockets"));
  CHECK(says_of_open_way(Kind::keys, "/run/user/1000/wireguard", "problem  keys"));
}

TEST_CASE("a service that is open on purpose is a note, by whichever of its paths") {
  Facts facts = good();
  facts.state.open = {"/var/run/dbus/system_bus_socket"};
  facts.inside.attempts.push_back({Kind::system_bus, "/run/dbus/system_bus_socket", 0});
  const auto lines = complaints(facts);
  REQUIRE_EQ(lines.size(), 2);
  CHECK(lines.front().starts_with("note     system-bus"));
  CHECK(lines.back() == "note     on-purpose: of the host's files these are seen: /var/run/dbus/system_bus_socket");
}

TEST_CASE("a folder that is open opens the sockets in it, but no service that has a name") {
  Facts facts = good();
  facts.state.open = {"/tmp/runtime"};
  facts.inside.attempts.push_back({Kind::run_socket, "/tmp/runtime/wayland-0", 0});
  CHECK(complaints(facts).front().starts_with("note     sockets: /tmp/runtime/wayland-0"));
  facts.inside.attempts.back() = {Kind::run_socket, "/tmp/runtime-of-others/socket", 0};
  CHECK(complaints(facts).front().starts_with("problem  sockets"));
  facts.inside.attempts.back() = {Kind::session_bus, "/tmp/runtime/bus", 0};
  CHECK(complaints(facts).front().starts_with("problem  session-bus"));
}

TEST_CASE("an attempt that fails for a strange reason proves nothing") {
  Facts facts = good();
  facts.inside.attempts.push_back({Kind::nscd, "/run/nscd/socket", EMFILE});
  CHECK(says_only(facts, "unknown  nscd", "could not be tried"));
}

TEST_CASE("a configuration that can be read") {
  CHECK(says_of_open_way(Kind::configuration, "/h/.config/wireguard4netns/profiles/work.conf", "problem  keys"));
  CHECK(says_of_open_way(Kind::configuration, "/h/vpn.conf", "note     keys"));
}

TEST_CASE("where processes are") {
  const auto with = [](const auto& change) {
    Facts facts = good();
    change(facts.processes.front());
    return facts;
  };
  CHECK(says_only(with([](ProcessFacts& each) { each.namespaces.mounts = 2; }), "problem  processes",
                  "with the host's mounts: 4713 (curl)"));
  CHECK(says_only(with([](ProcessFacts& each) { each.namespaces.net = 3; }), "problem  processes",
                  "with the host's network: 4713 (curl)"));
  CHECK(says_only(with([](ProcessFacts& each) { each.outer_folder = "/run"; }), "problem  processes",
                  "working or root directory outside"));
  CHECK(says_only(with([](ProcessFacts& each) { each.namespaces.user = 77; }), "note     processes",
                  "with namespaces of their own"));
  CHECK(says_only(with([](ProcessFacts& each) { each.descriptors_error = EACCES; }), "unknown  descriptors",
                  "4713 (curl) cannot be listed"));
}

TEST_CASE("what processes have open") {
  const auto with = [](Descriptor::Kind kind, const char* what) {
    Facts facts = good();
    facts.processes.front().descriptors = {{kind, 5, what}};
    return facts;
  };
  CHECK(says_only(with(Descriptor::Kind::socket, "IPv4"), "problem  descriptors",
                  "process 4713 (curl): descriptor 5 is a socket of another network (IPv4)"));
  CHECK(says_only(with(Descriptor::Kind::folder, "/run"), "problem  descriptors", "/run of the host's mounts"));
  CHECK(says_only(with(Descriptor::Kind::host_namespace, "net:[3]"), "problem  descriptors", "net:[3]"));
  CHECK(says_only(with(Descriptor::Kind::channel, "UNIX"), "note     descriptors", "connected with a process outside"));
  CHECK(says_only(with(Descriptor::Kind::unknown, "IPv4"), "unknown  descriptors", "cannot be looked at"));
}

TEST_CASE("what processes may do") {
  const auto with = [](const auto& change) {
    Facts facts = good();
    change(*facts.processes.front().rights);
    return facts;
  };
  CHECK(says_only(with([](ProcessRights& own) { own.ambient = capability; }), "problem  capabilities", "4713 (curl)"));
  CHECK(says_only(with([](ProcessRights& own) { own.bounding |= 1U; }), "problem  capabilities", "4713 (curl)"));
  CHECK(says_only(with([](ProcessRights& own) { own.no_new_privs = false; }), "problem  new-privileges", "4713"));
  CHECK(says_only(with([](ProcessRights& own) { own.filtered = false; }), "problem  terminal", "not filtered"));
}

TEST_CASE("rights that cannot be seen") {
  Facts facts = good();
  facts.processes.front().rights.reset();
  CHECK(says_only(facts, "unknown  capabilities", "4713 (curl)"));
}

TEST_CASE("root inside has capabilities on purpose, and no more") {
  Facts facts = good();
  facts.state.ids.uid = 0;
  facts.processes.front().rights->effective = capability;
  CHECK(says_only(facts, "note     capabilities", "on purpose"));
  facts.processes.front().rights->effective |= 1U;
  CHECK(says_only(facts, "problem  capabilities", "4713 (curl)"));
  facts = good();
  facts.state.ids.sub_ids = true;
  facts.processes.front().rights->no_new_privs = false;
  CHECK(complaints(facts).size() == 2);
}

TEST_CASE("a sandbox's own capabilities are over its own namespaces") {
  Facts facts = good();
  facts.processes.front().namespaces.user = 77;
  facts.processes.front().rights->effective = ~std::uint64_t{0};
  CHECK(says_only(facts, "note     processes", "4713 (curl)"));
}

TEST_CASE("signals, and typing into the terminal") {
  Facts facts = good();
  facts.inside.attempts.push_back({Kind::signal, "4712", 0});
  CHECK(says_only(facts, "problem  signals", ""));
  facts.can_scope_signals = false;
  CHECK(says_only(facts, "note     signals", "Linux 6.12"));
  facts = good();
  facts.inside.attempts.push_back({Kind::typing, "the terminal", EBADF});
  CHECK(says_only(facts, "problem  terminal", "can type"));
}

TEST_CASE("what could not be looked at is said") {
  Facts facts = good();
  facts.inside.unseen = {{"list the routes", EPERM}};
  CHECK(says_only(facts, "unknown  look-inside", "list the routes: Operation not permitted"));
  facts = good();
  facts.inside.rights.reset();
  CHECK(says_only(facts, "unknown  look-inside", "has not come to its end"));
  CHECK(!doctor::is_well(check_isolation(facts)));
}

TEST_CASE("ways out that the user wants are listed, and the routes that they need are no problem") {
  Facts facts = good();
  facts.inside.routes.push_back({*Prefix::parse("192.168.1.0/24"), "lo"});
  CHECK(says_only(facts, "problem  routes-ipv4", "192.168.1.0/24 through lo"));
  facts.state.ways = {"local network 192.168.1.0/24, port 80"};
  CHECK(says_only(facts, "note     on-purpose", facts.state.ways.front()));
  facts = good();
  facts.state.forwarded_port = 50'000;
  CHECK(says_only(facts, "note     on-purpose", "port 50000 of the provider's"));
}

TEST_CASE("what is open on purpose is listed") {
  Facts facts = good();
  facts.state.options = {"--publish=8080:80", "--dns=10.0.0.1"};
  CHECK(says_only(facts, "note     on-purpose", "--publish=8080:80"));
}
