// Hosts of all kinds, made up, and the doctor's findings about each.

#include "shared/sys/tun_file.h"
#include "wg4netns/doctor/containers_conf.h"
#include "wg4netns/doctor/host_checks.h"
#include "wg4netns/doctor/host_facts.h"
#include "wg4netns/doctor/report.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

using namespace wg4::doctor;

namespace {

/// A host without findings.
HostFacts good() {
  HostFacts host;
  host.kernel = "6.8.0";
  host.user = "alice";
  host.tun_tried = host.tun_header = host.tun_checksum = host.tun_tso = host.tun_uso = true;
  host.udp_segment = host.udp_gro = true;
  host.landlock_version = 4;
  host.seccomp_filter = true;
  host.rmem_max = host.wmem_max = 4U << 20U;
  host.memlock = 8U << 20U;
  host.sub_ids = {.user = "alice",
                  .uids = {.path = "/etc/subuid", .lines = {"alice:100000:65536"}},
                  .gids = {.path = "/etc/subgid", .lines = {"alice:100000:65536"}},
                  .newuidmap = {.path = "/usr/bin/newuidmap", .mode = 04755},
                  .newgidmap = {.path = "/usr/bin/newgidmap", .mode = 04755}};
  host.view.tried = true;
  host.runtime_folder = {.path = "/run/user/1000", .error = 0, .own = true};
  host.signal_scope = true;
  host.helper = "/usr/bin/wg4netns-helper";
  host.wg = "/usr/bin/wg";
  return host;
}

/// The lines that are not ok.
std::vector<std::string> complaints(const HostFacts& host) {
  std::vector<std::string> lines;
  for (const CheckResult& result : check_host(host))
    if (result.verdict != Verdict::ok) lines.push_back(line_of(result));
  return lines;
}

std::string only_complaint(const HostFacts& host) {
  const auto lines = complaints(host);
  REQUIRE_EQ(lines.size(), 1);
  return lines.front();
}

bool says(const HostFacts& host, std::string_view start, std::string_view part) {
  const std::string line = only_complaint(host);
  INFO(line);
  return line.starts_with(start) && line.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a good host has nothing but ok") {
  CHECK(complaints(good()).empty());
  CHECK(is_well(check_host(good())));
  CHECK(line_of(check_host(good()).front()) == "ok       kernel: Linux 6.8.0");
}

TEST_CASE("Ubuntu's AppArmor, where a namespace can be made and nothing done in it") {
  HostFacts host = good();
  host.namespaces_hint = "AppArmor takes the rights. As root: sysctl -w ...=0";
  host.tun_error = EPERM;
  CHECK(says(host, "problem  tun: make a TUN", "Operation not permitted. AppArmor takes the rights. As root"));
  host.namespaces_error = EPERM;
  host.tun_tried = false;
  const auto lines = complaints(host);
  REQUIRE_EQ(lines.size(), 2);
  CHECK(lines[0] ==
        "problem  user-namespaces: user alice cannot make user and network namespaces: Operation not "
        "permitted. AppArmor takes the rights. As root: sysctl -w ...=0");
  CHECK(lines[1].starts_with("note     tun: not tried"));
}

TEST_CASE("a sysctl that is off says nothing as long as namespaces can be made") {
  HostFacts host = good();
  host.namespaces_hint = "This host allows no user namespaces.";
  CHECK(complaints(host).empty());
}

TEST_CASE("the TUN's device: missing, another thing, another device") {
  HostFacts host = good();
  host.tun_file.look_error = ENOENT;
  CHECK(says(host, "problem  tun-device: /dev/net/tun is missing: No such file", "modprobe tun"));
  host.tun_file.folder_is_missing = true;
  CHECK(says(host, "problem  tun-device: the folder /dev/net is missing", "--device /dev/net/tun"));
  host = good();
  host.tun_file.kind = wg4::TunFile::Kind::file;
  CHECK(says(host, "problem  tun-device: /dev/net/tun is no device, but an ordinary file", "mknod"));
  host.tun_file.kind = wg4::TunFile::Kind::pipe;
  CHECK(says(host, "problem  tun-device: /dev/net/tun is no device, but a named pipe", "mknod"));
  host = good();
  host.tun_file.major = 1;
  host.tun_file.minor = 3;
  CHECK(says(host, "problem  tun-device: /dev/net/tun is another device: its number is 1:3, and TUN is 10:200",
             "mknod -m 0666 /dev/net/tun c 10 200"));
}

TEST_CASE("the TUN's device: closed, and why; an open one needs no advice") {
  HostFacts host = good();
  host.tun_file.mode = 0600;
  CHECK(complaints(host).empty());  // it opens: root's
  host.tun_file.open_error = EACCES;
  CHECK(says(host, "problem  tun-device: open /dev/net/tun: Permission denied", "chmod 0666 /dev/net/tun"));
  host.tun_file.mode = 0666;
  CHECK(says(host, "problem  tun-device: open /dev/net/tun: Permission denied", "AppArmor, SELinux"));
  CHECK_FALSE(says(host, "problem  tun-device: ", "chmod"));
  host.tun_file.on_nodev = true;
  CHECK(says(host, "problem  tun-device: open /dev/net/tun: Permission denied", "option nodev"));
  CHECK_FALSE(says(host, "problem  tun-device: ", "chmod"));
  host = good();
  host.tun_file.open_error = EPERM;
  CHECK(says(host, "problem  tun-device: open /dev/net/tun: Operation not permitted", "device rules (cgroup)"));
  host.tun_file.open_error = ENODEV;
  CHECK(says(host, "problem  tun-device: open /dev/net/tun: No such device", "modprobe tun"));
}

TEST_CASE("a missing optional feature is a note") {
  HostFacts host = good();
  host.tun_uso = false;
  CHECK(says(host, "note     tun: a TUN can be made, with vnet-hdr checksum tso. ", "Linux 6.2"));
  host = good();
  host.udp_gro = false;
  CHECK(says(host, "note     udp: UDP sockets have no udp-gro. ", "slowly"));
  host.udp_segment = false;
  CHECK(says(host, "note     udp: UDP sockets have neither udp-segment nor udp-gro. ", "slowly"));
  host = good();
  host.landlock_version = 0;
  CHECK(says(host, "note     sandbox: no Landlock, system call filters. ", "lsm="));
  host = good();
  host.rmem_max = 212992;
  CHECK(says(host, "note     socket-buffers: net.core.rmem_max is 208 KiB, wmem_max 4096 KiB. ", "sysctl -w"));
  host.rmem_max.reset();  // another network namespace than the first
  CHECK(says(host, "note     socket-buffers: ", "cannot be read here"));
  host = good();
  host.memlock = 0;
  CHECK(says(host, "note     locked-memory: RLIMIT_MEMLOCK is 0 KiB: keys may be written", "ulimit -l"));
  host = good();
  host.wg.clear();
  CHECK(says(host, "note     wg: wg(8) is not installed. ", "wireguard-tools"));
  CHECK(is_well(check_host(host)));
}

TEST_CASE("a missing helper is a problem") {
  HostFacts host = good();
  host.helper.clear();
  CHECK(says(host, "problem  helper: ", "WIREGUARD4NETNS_HELPER"));
  CHECK_FALSE(is_well(check_host(host)));
}

TEST_CASE("a host on which commands cannot run in a tunnel, and why") {
  HostFacts host = good();
  host.view.refused = {.what = "mount a tmpfs at /etc", .number = EACCES, .hint = {}};
  CHECK(says(host,
             "note     run-view: commands cannot run in a tunnel (run, up): mount a tmpfs at /etc: Permission denied. ",
             "AppArmor, SELinux"));
  host.namespaces_hint = "AppArmor takes the rights. As root: sysctl -w ...=0";
  CHECK(says(host, "note     run-view: ", "Permission denied. AppArmor takes the rights. As root"));
  host.view.refused.hint = "Linux 5.2 has it";
  CHECK(says(host, "note     run-view: ", "Permission denied. Linux 5.2 has it"));
  host = good();
  host.view.tried = false;
  CHECK(says(host, "note     run-view: not tried", "missing above"));
}

TEST_CASE("the folder in which tunnels that commands run in are found again") {
  HostFacts host = good();
  host.runtime_folder = {};
  CHECK(says(host, "note     runtime-folder: XDG_RUNTIME_DIR is not set to an absolute path: commands cannot",
             "enable-linger"));
  host.runtime_folder = {.path = "/run/user/1000", .error = EROFS, .own = true};
  CHECK(says(host, "note     runtime-folder: XDG_RUNTIME_DIR is /run/user/1000, Read-only file system: ", "Set it to"));
  host.runtime_folder = {.path = "/run/user/0", .error = 0, .own = false};
  CHECK(says(
      host, "note     runtime-folder: XDG_RUNTIME_DIR is /run/user/0, which belongs to another user: ", "su and sudo"));
}

TEST_CASE("a kernel on which commands in a tunnel can signal it") {
  HostFacts host = good();
  host.signal_scope = false;
  CHECK(says(host, "note     run-signals: commands in a tunnel can signal other processes of this user", "Linux 6.12"));
}

TEST_CASE("subordinate ids, which only engines and run --map-auto need, and root does not") {
  HostFacts host = good();
  host.sub_ids.newuidmap.path.clear();
  CHECK(says(host, "note     subordinate-ids: newuidmap is not installed. ", "uidmap"));
  host = good();
  host.sub_ids.newgidmap.mode = 0755;
  CHECK(says(host, "note     subordinate-ids: /usr/bin/newgidmap has neither", "chmod u+s /usr/bin/newgidmap"));
  host = good();
  host.sub_ids.gids.lines.clear();
  CHECK(says(host, "note     subordinate-ids: user alice has no range in /etc/subgid. ", "usermod"));
  host.is_root = true;
  CHECK(complaints(host).empty());
}

TEST_CASE("each engine with how to switch it on") {
  HostFacts host = good();
  host.engines = {{"podman", "podman version 5.4.2"}, {"rootlesskit", "rootlesskit version 2.0.2"}};
  const auto report = check_host(host);
  const auto lines = std::ranges::count(report, "engine", &CheckResult::name);
  CHECK_EQ(lines, 2);
  CHECK(line_of(report[report.size() - 2]).find("podman version 5.4.2. For every container, in containers.conf") !=
        std::string::npos);
  CHECK(line_of(report.back()).find("--slirp4netns-binary") != std::string::npos);
}

TEST_CASE("JSON has what the manual page says, and is JSON whatever a program says of itself") {
  const Report report{{"wg", Verdict::ok, "/usr/bin/wg"},
                      {"engine", Verdict::note, "bad \xff byte and \"quotes\"", "do it", "KEY="}};
  CHECK(to_json(report) ==
        "{\"version\":1,\"ok\":true,\"checks\":[{\"check\":\"wg\",\"verdict\":\"ok\",\"seen\":\"/usr/bin/wg\"},"
        "{\"check\":\"engine\",\"verdict\":\"note\",\"seen\":\"bad \xEF\xBF\xBD byte and \\\"quotes\\\"\","
        "\"next\":\"do it\",\"peer\":\"KEY=\"}]}");
  CHECK(to_json({{"x", Verdict::problem, "y"}}).find("\"ok\":false") != std::string::npos);
}

namespace {

/// Podman with `conf`, where distributions have its programs.
HostFacts with_podman(unsigned major, unsigned minor, std::string_view conf) {
  HostFacts host = good();
  PodmanFacts& podman = host.podman.emplace();
  podman.major = major;
  podman.minor = minor;
  read_containers_conf(conf, podman.conf);
  podman.network_cmd = {podman.conf.network_cmd_path, podman.conf.network_cmd_path == "/ours"};
  podman.slirp4netns = podman.slirp4netns_in_path = {"/usr/bin/slirp4netns", false};
  podman.pasta = {"/usr/bin/pasta", false};
  return host;
}

constexpr std::string_view cmd_path = "[engine]\nnetwork_cmd_path = \"/ours\"\n";
constexpr std::string_view and_slirp = "[network]\ndefault_rootless_network_cmd = \"slirp4netns\"\n";

}  // namespace

TEST_CASE("a build that leaves the tunnel while containers do not is a problem") {
  const HostFacts old = with_podman(4, 3, cmd_path);
  CHECK(says(old, "problem  podman-build: podman build takes /usr/bin/slirp4netns", "first in PATH"));
  const HostFacts by_pasta = with_podman(5, 4, cmd_path);
  CHECK(says(by_pasta, "problem  podman-build: podman build takes /usr/bin/pasta", "default_rootless_network_cmd"));
  HostFacts nothing = with_podman(4, 3, cmd_path);
  nothing.podman->slirp4netns_in_path = {};
  CHECK(says(nothing, "note     podman-build: ", "no network"));
}

TEST_CASE("a build that takes the program, or that of a host without it, is none") {
  HostFacts linked = with_podman(4, 3, cmd_path);
  linked.podman->slirp4netns_in_path = {"/opt/alice/slirp4netns", true};
  CHECK(complaints(linked).empty());
  CHECK(complaints(with_podman(4, 9, cmd_path)).empty());
  CHECK(complaints(with_podman(5, 4, std::string(cmd_path) + std::string(and_slirp))).empty());
  HostFacts pasta = with_podman(5, 4, "");
  pasta.podman->pasta = {"/opt/alice/pasta", true};
  CHECK(complaints(pasta).empty());
  for (const unsigned major : {4U, 5U}) CHECK(complaints(with_podman(major, 3, "")).empty());
}

TEST_CASE("containers.conf: the last file counts, and what is no value of ours does not") {
  ContainersConf conf;
  read_containers_conf(
      "[engine]\n# network_cmd_path = \"/no\"\nhelper_binaries_dir = [\n  \"/a\", # why\n  '/b',\n]\n"
      "network_cmd_path=\"/first\" # \"/not\"\n",
      conf);
  read_containers_conf(
      "[containers]\nnetwork_cmd_path = \"/wrong table\"\n[ engine ]\r\nnetwork_cmd_path = '/last'\r\n"
      "[network]\ndefault_rootless_network_cmd = 3\n",
      conf);
  CHECK(conf.network_cmd_path == "/last");
  CHECK(conf.helper_binaries_dir == std::vector<std::string>{"/a", "/b"});
  CHECK(conf.default_rootless_network_cmd.empty());
  for (const char* broken : {"[", "=", "[engine]\nnetwork_cmd_path", "[engine]\nhelper_binaries_dir = [", "[]]\n=\"",
                             "[engine]\nnetwork_cmd_path = \"/last"})
    read_containers_conf(broken, conf);
  CHECK(conf.network_cmd_path == "/last");
}
