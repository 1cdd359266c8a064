#include "wg4netns/doctor/host_checks.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "shared/sys/sub_ids.h"
#include "shared/sys/tun_file.h"
#include "wg4netns/doctor/run_checks.h"

namespace wg4::doctor {
namespace {

constexpr std::uint64_t wanted_buffer = 4 * 1024 * 1024;  // what the UDP socket asks for
constexpr std::uint64_t wanted_memlock = 64 * 1024;       // some hundred peers with their sessions

std::string error_text(int error) { return std::strerror(error); }

std::string size_text(std::uint64_t bytes) { return std::to_string(bytes / 1024) + " KiB"; }

CheckResult check_kernel(const HostFacts& host) { return {"kernel", Verdict::ok, "Linux " + host.kernel}; }

CheckResult check_namespaces(const HostFacts& host) {
  constexpr const char* name = "user-namespaces";
  if (host.namespaces_error == 0)
    return {name, Verdict::ok, "user " + host.user + " can make user and network namespaces"};
  return {name, Verdict::problem,
          "user " + host.user + " cannot make user and network namespaces: " + error_text(host.namespaces_error),
          host.namespaces_hint.empty()
              ? "In a container, its seccomp profile may forbid them; else see user_namespaces(7)"
              : host.namespaces_hint};
}

CheckResult check_tun_device(const HostFacts& host) {
  constexpr const char* name = "tun-device";
  auto fault = fault_of(host.tun_file);
  if (!fault) return {name, Verdict::ok, "/dev/net/tun opens, mode " + octal(host.tun_file.mode)};
  const std::string hint = std::exchange(fault->hint, "");
  return {name, Verdict::problem, fault->message(), hint};
}

CheckResult check_tun(const HostFacts& host) {
  constexpr const char* name = "tun";
  if (!host.tun_tried) return {name, Verdict::note, "not tried, because of what is missing above"};
  if (host.tun_error != 0)
    return {
        name, Verdict::problem, "make a TUN in namespaces of our own: " + error_text(host.tun_error),
        host.namespaces_hint.empty() ? "AppArmor, SELinux or a container's rules may forbid it" : host.namespaces_hint};
  std::string offloads;
  const auto add = [&offloads](bool has, const char* what) {
    if (has) offloads.append(offloads.empty() ? "" : " ").append(what);
  };
  add(host.tun_header, "vnet-hdr");
  add(host.tun_checksum, "checksum");
  add(host.tun_tso, "tso");
  add(host.tun_uso, "uso");
  if (host.tun_tso && host.tun_uso) return {name, Verdict::ok, "a TUN can be made, with " + offloads};
  return {name, Verdict::note, "a TUN can be made, with " + (offloads.empty() ? "no offloads" : offloads),
          host.tun_tso ? "Linux 6.2 and later make UDP faster, too" : "It works, more slowly"};
}

CheckResult check_udp(const HostFacts& host) {
  constexpr const char* name = "udp";
  if (host.udp_segment && host.udp_gro) return {name, Verdict::ok, "UDP sockets have udp-segment and udp-gro"};
  return {name, Verdict::note,
          std::string("UDP sockets have ") + (host.udp_segment ? "no udp-gro"
                                              : host.udp_gro   ? "no udp-segment"
                                                               : "neither udp-segment nor udp-gro"),
          "It works, more slowly. Linux 5.0 and later have both"};
}

CheckResult check_sandbox(const HostFacts& host) {
  constexpr const char* name = "sandbox";
  const std::string landlock =
      host.landlock_version > 0 ? "Landlock version " + std::to_string(host.landlock_version) : "no Landlock";
  const std::string seccomp = host.seccomp_filter ? "system call filters" : "no system call filters";
  if (host.landlock_version > 0 && host.seccomp_filter) return {name, Verdict::ok, landlock + " and " + seccomp};
  return {name, Verdict::note, landlock + ", " + seccomp,
          "Tunnels run with a weaker sandbox, and not with --sandbox=on. Landlock is in Linux 5.13 and later, if the "
          "kernel's parameter lsm= names it"};
}

CheckResult check_buffers(const HostFacts& host) {
  constexpr const char* name = "socket-buffers";
  if (!host.rmem_max || !host.wmem_max)
    return {name, Verdict::note, "net.core.rmem_max and wmem_max cannot be read here"};
  const std::string seen =
      "net.core.rmem_max is " + size_text(*host.rmem_max) + ", wmem_max " + size_text(*host.wmem_max);
  if (*host.rmem_max >= wanted_buffer && *host.wmem_max >= wanted_buffer) return {name, Verdict::ok, seen};
  return {name, Verdict::note, seen,
          "It works, but on fast networks larger ones lose fewer packets. As root: sysctl -w net.core.rmem_max=4194304 "
          "net.core.wmem_max=4194304"};
}

CheckResult check_memlock(const HostFacts& host) {
  constexpr const char* name = "locked-memory";
  if (!host.memlock) return {name, Verdict::ok, "RLIMIT_MEMLOCK has no limit"};
  const std::string seen = "RLIMIT_MEMLOCK is " + size_text(*host.memlock);
  if (*host.memlock >= wanted_memlock) return {name, Verdict::ok, seen};
  return {name, Verdict::note, seen + ": keys may be written to swap space",
          "Raise it: ulimit -l, LimitMEMLOCK= of a systemd unit, or memlock in limits.conf(5)"};
}

CheckResult check_id_mapping(const HostFacts& host) {
  constexpr const char* name = "subordinate-ids";
  if (host.is_root) return {name, Verdict::ok, "root needs none"};
  if (const auto fault = fault_of(host.sub_ids))
    return {name, Verdict::note, fault->what,
            "Engines need that, and run --map-auto; the rest of this program does not. " + fault->hint};
  return {name, Verdict::ok, "newuidmap, newgidmap, and ranges for user " + host.sub_ids.user};
}

CheckResult check_helper(const HostFacts& host) {
  constexpr const char* name = "helper";
  if (!host.helper.empty()) return {name, Verdict::ok, host.helper};
  return {name, Verdict::problem, "wg4netns-helper is not installed",
          "Install it beside this program, or name it with --helper or WIREGUARD4NETNS_HELPER"};
}

CheckResult check_wg(const HostFacts& host) {
  constexpr const char* name = "wg";
  if (!host.wg.empty()) return {name, Verdict::ok, host.wg};
  return {name, Verdict::note, "wg(8) is not installed",
          "Tunnels run without it. It shows and changes them: it is in the package wireguard-tools"};
}

constexpr std::array checks{check_kernel,  check_namespaces, check_tun_device, check_tun,    check_udp, check_sandbox,
                            check_buffers, check_memlock,    check_id_mapping, check_helper, check_wg};

/// How an engine is made to use this program, in a line.
std::string switch_on(const EngineProgram& engine) {
  if (engine.name == "podman")
    return "For every container, in containers.conf: network_cmd_path = \"/usr/bin/wireguard4netns\"; for one, an OCI "
           "hook; as a network: podman network create -d wireguard";
  if (engine.name == "rootlesskit")
    return "Start it with --net=slirp4netns --slirp4netns-binary=/usr/bin/wireguard4netns";
  if (engine.name == "dockerd-rootless.sh")
    return "Set DOCKERD_ROOTLESS_ROOTLESSKIT_NET=slirp4netns, with a link slirp4netns to wireguard4netns first in its "
           "PATH";
  return "A link slirp4netns to wireguard4netns first in its PATH";
}

/// RUN steps of a build should use the same network as containers. Nothing if those do not use this program either.
std::optional<CheckResult> check_podman_build(const HostFacts& host) {
  constexpr const char* name = "podman-build";
  if (!host.podman) return std::nullopt;
  const PodmanFacts& podman = *host.podman;
  const bool asks_path = podman.major < 4 || (podman.major == 4 && podman.minor < 6);
  const std::string& chosen = podman.conf.default_rootless_network_cmd;
  const bool by_pasta = !asks_path && (chosen.empty() ? podman.major >= 5 : chosen == "pasta");
  const FoundProgram& by_slirp4netns = podman.network_cmd.path.empty() ? podman.slirp4netns : podman.network_cmd;
  const FoundProgram& of_run = by_pasta ? podman.pasta : by_slirp4netns;
  const FoundProgram& of_build = asks_path ? podman.slirp4netns_in_path : of_run;
  if (!podman.network_cmd.ours && !of_run.ours) return std::nullopt;
  if (of_build.ours) return CheckResult{name, Verdict::ok, "podman build takes this program, as " + of_build.path};
  const std::string wanted = by_pasta ? "pasta" : "slirp4netns";
  const std::string hint =
      by_pasta ? "In containers.conf, under [network]: default_rootless_network_cmd = \"slirp4netns\"; or make a link "
                 "pasta to wireguard4netns in a folder of helper_binaries_dir"
               : "Make a link slirp4netns to wireguard4netns in a folder that is the first in PATH";
  if (of_build.path.empty())
    return CheckResult{name, Verdict::note, "podman build finds no " + wanted + ": RUN steps have no network", hint};
  return CheckResult{name, Verdict::problem,
                     "podman build takes " + of_build.path + ", not this program: RUN steps use no tunnel", hint};
}

}  // namespace

Report check_host(const HostFacts& host) {
  Report report;
  report.reserve(checks.size() + host.engines.size());
  for (const auto& check : checks) report.push_back(check(host));
  for (CheckResult& result : check_run(host)) report.push_back(std::move(result));
  for (const EngineProgram& engine : host.engines)
    report.push_back({"engine", Verdict::ok, engine.version, switch_on(engine)});
  if (auto build = check_podman_build(host)) report.push_back(*std::move(build));
  if (host.engines.empty())
    report.push_back({"engine", Verdict::ok, "no container engine found; any namespace will do"});
  return report;
}

}  // namespace wg4::doctor
