#include "wg4netns/verify/gather.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "netns-helper/container/confine_command.h"
#include "netns-helper/container/id_mapping.h"
#include "shared/sys/landlock.h"
#include "wg4netns/commands/tunnel_traffic.h"
#include "wg4netns/profile/config_file.h"
#include "wg4netns/supervise/keeper_client.h"
#include "wg4netns/uapi/control_client.h"
#include "wg4netns/verify/bait.h"
#include "wg4netns/verify/look_inside.h"
#include "wg4netns/verify/process_scan.h"
#include "wg4netns/verify/unix_sockets.h"

namespace wg4::verify {
namespace {

std::uint64_t inode_of(const UniqueFd& fd) {
  struct stat info{};
  return fstat(fd.get(), &info) == 0 ? info.st_ino : 0;
}

NamespaceIds namespaces_of(const keeper::Room& room, const NamespaceIds& host) {
  return {.user = inode_of(room.user),
          .mounts = inode_of(room.mounts),
          .net = inode_of(room.net),
          .pids = room.pids.valid() ? inode_of(room.pids) : host.pids};
}

std::vector<HostFile> files_of_host() {
  std::vector<HostFile> files;
  for (const char* name : {"resolv.conf", "hosts", "nsswitch.conf"}) {
    struct stat info{};
    if (stat((std::string("/etc/") + name).c_str(), &info) == 0) files.push_back({name, info.st_dev, info.st_ino});
  }
  return files;
}

/// Where programs of the host's network listen, except below /run, where every socket is tried.
std::vector<std::string> sockets_of_host() {
  constexpr std::size_t max_sockets = 1024;
  std::vector<std::string> paths;
  for (const NamedSocket& each : list_named_sockets().value_or(std::vector<NamedSocket>{})) {
    const bool is_tried = each.path.starts_with("/run/") || each.path.starts_with("/var/run/");
    if (each.is_server && !each.is_abstract && each.path.starts_with('/') && !is_tried) paths.push_back(each.path);
  }
  std::ranges::sort(paths);
  const auto [rest, end] = std::ranges::unique(paths);
  paths.erase(rest, end);
  paths.resize(std::min(paths.size(), max_sockets));
  return paths;
}

Targets targets_in(const JoinedTunnel& tunnel, const Facts& facts, const Bait& bait) {
  const auto control = find_tunnel(tunnel.folder.name());
  // In a PID namespace of its own the keeper is seen as it sees itself, and the tunnel not at all.
  return {.tunnel = facts.state.own_pids ? 0 : static_cast<pid_t>(facts.state.tunnel),
          .keeper = static_cast<pid_t>(facts.state.keeper),
          .config = facts.state.config,
          .hidden_folder = facts.hidden_folder,
          .control_socket = control ? control->path : "",
          .open = facts.state.open,
          .host_sockets = sockets_of_host(),
          .port_v4 = bait.port_v4(),
          .port_v6 = bait.port_v6(),
          .abstract_name = bait.abstract_name()};
}

/// Asks the tunnel before and after how much it has sent.
Result<void> look_from_inside(const JoinedTunnel& tunnel, Facts& facts) {
  const Bait bait;
  const auto before = ask_traffic(tunnel.folder.name());
  facts.inside = TRY(look_inside(tunnel.room, targets_in(tunnel, facts, bait)));
  const auto after = ask_traffic(tunnel.folder.name());
  facts.loopback_reached = bait.was_reached_by_network();
  facts.abstract_reached = bait.was_reached_by_name();
  if (!before || !after) return {};
  facts.traffic = {.answers = true, .sent_more = after->sent > before->sent, .handshake_age = after->handshake_age};
  return {};
}

}  // namespace

pid_t pid_of(const UniqueFd& pidfd) {
  constexpr std::string_view key = "Pid:";
  std::ifstream file("/proc/self/fdinfo/" + std::to_string(pidfd.get()));
  for (std::string line; std::getline(file, line);) {
    pid_t pid = 0;
    if (line.starts_with(key) && std::istringstream(line.substr(key.size())) >> pid) return pid;
  }
  return 0;
}

Result<Facts> gather(JoinedTunnel& tunnel) {
  Facts facts;
  facts.state = TRY(tunnel.keeper.ask());
  facts.mapping = container::to_string(facts.state.ids.rung);
  facts.host = own_namespaces();
  facts.tunnel = namespaces_of(tunnel.room, facts.host);
  facts.host_files = files_of_host();
  facts.hidden_folder = TRY(config_folder());
  facts.can_scope_signals = can_scope_signals();
  facts.allowed_capabilities = container::container_capabilities;
  TRY(look_from_inside(tunnel, facts));
  facts.processes = TRY(look_at_processes({.host = facts.host,
                                           .tunnel = facts.tunnel,
                                           .keeper = pid_of(tunnel.room.keeper),
                                           .net_cookie = facts.inside.rights ? facts.inside.rights->net_cookie : 0}));
  return facts;
}

}  // namespace wg4::verify
