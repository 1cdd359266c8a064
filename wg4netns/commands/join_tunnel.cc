#include "wg4netns/commands/join_tunnel.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <expected>
#include <optional>
#include <thread>
#include <tuple>
#include <utility>

#include "shared/base/unique_fd.h"
#include "shared/net/prefix.h"
#include "shared/sys/background.h"
#include "shared/sys/deadline.h"
#include "shared/sys/fd_pass.h"
#include "shared/sys/log.h"
#include "shared/sys/named_file.h"
#include "shared/sys/own_folder.h"
#include "shared/sys/process.h"
#include "shared/sys/read_all.h"
#include "shared/wire/message_socket.h"
#include "wg4netns/commands/provider_port.h"
#include "wg4netns/daemon/attach.h"
#include "wg4netns/daemon/attach_options.h"
#include "wg4netns/daemon/messages.h"
#include "wg4netns/forward/publish_spec.h"
#include "wg4netns/forward/rule.h"
#include "wg4netns/forward/ways.h"
#include "wg4netns/natpmp/gateway.h"
#include "wg4netns/profile/config_file.h"
#include "wg4netns/supervise/keeper.h"
#include "wg4netns/supervise/keeper_message.h"
#include "wg4netns/uapi/control_client.h"

namespace wg4 {
namespace {

constexpr std::chrono::seconds file_patience{10};
constexpr std::chrono::seconds orphan_patience{5};
constexpr std::chrono::milliseconds look_interval{5};

/// What the tunnel's process is to do. Paths are absolute, since it works in another folder.
Result<AttachCommand> attach_command(const RunOptions& options, const std::string& name, const std::string& config) {
  AttachCommand command;
  command.tunnel = options.tunnel;
  command.tunnel.config = config;
  command.tunnel.profile.reset();
  if (!command.tunnel.control) command.tunnel.control = name;
  std::string& pcap = command.tunnel.observe.pcap;
  if (!pcap.empty() && pcap != "-") pcap = TRY(absolute_path(pcap));
  command.helper = options.helper;
  command.target_type = TargetType::pid;
  command.target_name = "the namespaces of " + name;
  command.until_given_up = true;
  for (const std::string& spec : options.published) {
    const auto rules = TRY(forward::parse_publish(spec, forward::published_loopback()));
    command.forward.published.insert(command.forward.published.end(), rules.begin(), rules.end());
  }
  command.ways = TRY(forward::parse_ways(options.host_ports, options.lan));
  return command;
}

Result<keeper::MakeView> view_of(const RunOptions& options, TunnelNames names) {
  keeper::MakeView view{.servers = std::move(names.servers),
                        .search = std::move(names.search),
                        .hosts = options.added_hosts,
                        .hosts_text = {}};
  if (!options.hosts_file) return view;
  const std::string& path = *options.hosts_file;
  const NamedFile file = TRY(NamedFile::find(path, "the hosts file " + path));
  TRY(file.expect_regular());
  const UniqueFd fd = TRY(file.open(O_RDONLY));
  view.hosts_text = TRY(read_all(fd.get(), path, keeper::max_text, deadline_in(file_patience)));
  return view;
}

/// The tunnel, as a process of its own that goes on in the background.
struct StartedTunnel {
  BackgroundStart process;
  UniqueFd pidfd;
  UniqueFd names;  ///< gives TunnelNames
};

Result<StartedTunnel> start_tunnel(AttachCommand command, const RunOptions& options) {
  SocketPair names = TRY(make_message_sockets());
  command.names_wanted =
      NamesWanted{.socket = names.theirs.get(), .servers = options.dns, .outside = command.ways.networks()};
  const std::array kept{names.theirs.get()};
  auto process = TRY(BackgroundStart::begin(
      [&](UniqueFd ready) {
        command.tunnel.ready_fd = ready.release();
        return attach(command);
      },
      kept, options.goes_on_logging ? StandardError::callers : StandardError::until_ready));
  UniqueFd pidfd = open_pidfd(process.pid());
  return StartedTunnel{std::move(process), std::move(pidfd), std::move(names.ours)};
}

/// What the tunnel has read; if it fails before, its error.
Result<TunnelNames> hear_names(StartedTunnel& tunnel) {
  auto names = TRY(wire::receive<TunnelNames>(tunnel.names.get()));
  if (names) return std::move(names->message);
  std::ignore = TRY(tunnel.process.wait());
  return fail("the tunnel's process has not said which servers resolve names");
}

/// The port that the provider is to forward; nothing without --port-forwarding.
Result<std::optional<ProviderPort>> provider_port_of(const RunOptions& options, const TunnelNames& names,
                                                     const std::vector<Prefix>& outside) {
  if (!options.port_forwarding) return std::nullopt;
  ProviderPort port = TRY(parse_provider_port(*options.port_forwarding));
  std::vector<Prefix> addresses;
  for (const std::string& text : names.addresses)
    if (const auto address = Prefix::parse(text)) addresses.push_back(*address);
  if (!port.gateway) port.gateway = natpmp::guess_gateway(names.servers, addresses);
  if (!port.gateway)
    return fail("the address of the tunnel's gateway cannot be guessed from the configuration", 0,
                "Name it: --port-forwarding=natpmp:ADDRESS");
  if (std::ranges::any_of(outside, [&](const Prefix& network) { return network.contains(*port.gateway); }))
    return fail("the gateway " + port.gateway->to_string() + " is in a network of --lan, so not in the tunnel", 0,
                "Name a smaller network, or another gateway: --port-forwarding=natpmp:ADDRESS");
  if (options.port_file) port.file = TRY(absolute_path(*options.port_file));
  port.callback = options.port_callback;
  return port;
}

/// Starts the process that keeps the port. If no port is forwarded, the tunnel is ended.
Result<keeper::Client> with_provider_port(keeper::Client client, const std::string& name, const ProviderPort& port) {
  const keeper::Room room = TRY(client.join("", {}));
  const auto started = start_provider_port(name, room, port);
  if (started) return client;
  // By a signal: to end by itself the keeper would need the folder's lock, which this process has.
  std::ignore = send_signal(room.keeper.get(), SIGTERM);
  std::ignore = client.settle(room);
  return std::unexpected(started.error());
}

Result<keeper::Client> make(const TunnelFolder& folder, const RunOptions& options, const std::string& config) {
  keeper::Plan plan = options.plan;
  plan.sudo = options.ids.sub_ids && !plan.container;  // in a container no program gives rights
  plan.own_pids = plan.own_pids || plan.container;
  plan.hidden.push_back(TRY(config_folder()));  // with the keys of all profiles
  AttachCommand command = TRY(attach_command(options, folder.name(), config));
  std::vector<std::string> ways = command.ways.sentences();
  const std::vector<Prefix> outside = command.ways.networks();
  keeper::NewKeeper keeper = TRY(keeper::NewKeeper::begin(folder, plan, options.ids));
  command.target = std::to_string(keeper.pid());
  StartedTunnel tunnel = TRY(start_tunnel(std::move(command), options));
  TunnelNames names = TRY(hear_names(tunnel));
  keeper::Serve serve{.keeper = static_cast<std::uint32_t>(keeper.pid()),
                      .tunnel = static_cast<std::uint32_t>(tunnel.process.pid()),
                      .config = config,
                      .options = to_words(options),
                      .addresses = names.addresses,
                      .peers = names.peers,
                      .ways = std::move(ways)};
  const auto port = TRY(provider_port_of(options, names, outside));
  if (port) serve.ways.push_back("port forwarding, asked of " + port->gateway->to_string() + " by NAT-PMP");
  const keeper::MakeView view = TRY(view_of(options, std::move(names)));
  const auto viewed = keeper.make_view(view);
  std::ignore = TRY(tunnel.process.wait());  // its error first: it may be why there is no view
  TRY(viewed);
  keeper::Client client = TRY(keeper.serve(serve, std::move(tunnel.pidfd)));
  return port ? with_provider_port(std::move(client), folder.name(), *port) : Result<keeper::Client>(std::move(client));
}

/// The tunnel of a keeper that was killed ends by itself, and then lets go of its key and its port.
void wait_for_orphan(const std::string& name) {
  const Deadline deadline = deadline_in(orphan_patience);
  while (find_tunnel(name) && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(look_interval);
}

/// Also removes what keepers have left that were killed.
std::vector<std::string> running_names() {
  std::vector<std::string> names = TunnelFolder::names();
  std::erase_if(names, [](const std::string& name) {
    auto folder = TunnelFolder::open(name, IfMissing::fail);
    if (!folder) return true;
    const auto client = keeper::Client::connect_or_clear(*folder);
    return client && !*client;
  });
  return names;
}

std::string running_tunnels() {
  std::string text;
  for (const std::string& name : running_names()) text.append(text.empty() ? "" : ", ").append(name);
  return text.empty() ? "Start one with: wireguard4netns up PROFILE" : "These run: " + text;
}

std::unexpected<Error> not_running(const std::string& name) {
  return fail("no tunnel of the name " + name + " runs", 0, running_tunnels());
}

/// The inode of a process's network namespace; nothing if this user may not look.
std::optional<ino_t> net_of(const std::string& pid) {
  struct stat info{};
  return stat(("/proc/" + pid + "/ns/net").c_str(), &info) == 0 ? std::optional(info.st_ino) : std::nullopt;
}

/// A process that only the keeper may look at is found in the keeper's list, but for a tunnel with a PID namespace of
/// its own, where the list has the PIDs that are seen inside.
bool has_inside(const std::string& name, const std::string& pid) {
  const auto folder = TunnelFolder::open(name, IfMissing::fail);
  if (!folder) return false;
  auto client = keeper::Client::connect(*folder);
  if (!client || !*client) return false;
  const auto state = (*client)->ask();
  if (!state) return false;
  if (net_of(pid) == state->net) return true;
  return !state->own_pids && std::ranges::find(state->inside, pid) != state->inside.end();
}

/// A name, the PID of a process inside, or nothing: then the only tunnel that runs.
Result<std::string> name_of_running(const std::string& wanted) {
  if (!wanted.empty()) TRY(TunnelFolder::check_name(wanted));
  if (wanted.find_first_not_of("0123456789") != std::string::npos) return wanted;
  const std::vector<std::string> names = running_names();
  if (wanted.empty()) {
    if (names.size() == 1) return names.front();
    return fail(names.empty() ? "no tunnel runs" : "more than one tunnel runs", 0, running_tunnels());
  }
  if (std::ranges::find(names, wanted) != names.end()) return wanted;
  const auto found = std::ranges::find_if(names, [&](const std::string& name) { return has_inside(name, wanted); });
  if (found == names.end())
    return fail("process " + wanted + " is in none of this user's tunnels", 0, running_tunnels());
  return *found;
}

}  // namespace

Result<std::string> tunnel_name(const RunOptions& options) {
  if (options.name) {
    TRY(TunnelFolder::check_name(*options.name));
    return *options.name;
  }
  const std::string path = TRY(locate_config(options.tunnel.config, options.tunnel.profile));
  std::string name = path.substr(path.rfind('/') + 1);
  if (name.ends_with(".conf")) name.resize(name.rfind('.'));
  return TunnelFolder::check_name(name) ? name : "run-" + std::to_string(getpid());
}

Result<JoinedTunnel> join_or_make(const RunOptions& options) {
  const std::string name = TRY(tunnel_name(options));
  const std::string named = TRY(locate_config(options.tunnel.config, options.tunnel.profile));
  const std::string config = TRY(absolute_path(named));
  if (!TunnelFolder::exists(name)) TRY(expect_config(config));  // before anything is made
  TunnelFolder folder = TRY(TunnelFolder::open(name, IfMissing::make));
  TRY(folder.lock(deadline_in(lock_patience)));
  auto running = TRY(keeper::Client::connect(folder));
  const bool made = !running;
  if (made && folder.has_socket()) wait_for_orphan(name);
  auto client = made ? make(folder, options, config) : *std::move(running);
  if (!client) {
    folder.remove();
    return std::unexpected(std::move(client).error());
  }
  const bool names_config = options.source || options.tunnel.config || options.tunnel.profile;
  keeper::Room room = TRY(client->join(names_config ? config : "", to_words(options)));
  return JoinedTunnel{std::move(folder), *std::move(client), std::move(room), made};
}

Result<JoinedTunnel> join_running(const std::string& name_or_pid) {
  const std::string name = TRY(name_of_running(name_or_pid));
  auto folder = TunnelFolder::open(name, IfMissing::fail);
  if (!folder) return folder.error().number == ENOENT ? not_running(name) : std::unexpected(std::move(folder).error());
  TRY(folder->lock(deadline_in(lock_patience)));
  auto client = TRY(keeper::Client::connect(*folder));
  if (!client) {
    folder->remove();
    return not_running(name);
  }
  keeper::Room room = TRY(client->join("", {}));
  return JoinedTunnel{*std::move(folder), *std::move(client), std::move(room), false};
}

}  // namespace wg4
