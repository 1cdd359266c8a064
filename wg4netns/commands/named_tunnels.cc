#include "wg4netns/commands/named_tunnels.h"

#include <fmt/format.h>
#include <poll.h>

#include <cerrno>
#include <chrono>
#include <expected>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "netns-helper/container/id_mapping.h"
#include "shared/sys/deadline.h"
#include "shared/sys/log.h"
#include "shared/sys/own_folder.h"
#include "shared/sys/process.h"
#include "shared/sys/service_manager.h"
#include "wg4netns/commands/container_options.h"
#include "wg4netns/commands/join_tunnel.h"
#include "wg4netns/commands/json_string.h"
#include "wg4netns/commands/parser.h"
#include "wg4netns/commands/stay.h"
#include "wg4netns/commands/tunnel_traffic.h"
#include "wg4netns/supervise/keeper_client.h"
#include "wg4netns/supervise/keeper_message.h"
#include "wg4netns/supervise/tunnel_folder.h"

namespace wg4 {
namespace {

constexpr std::chrono::seconds patience{10};  // for the last steps of a keeper that ends

/// The keeper of a tunnel; nothing if there is none. What one that was killed has left is removed.
Result<std::optional<keeper::Client>> connect_to(const std::string& name) {
  auto folder = TunnelFolder::open(name, IfMissing::fail);
  if (!folder && folder.error().number == ENOENT) return std::nullopt;
  if (!folder) return std::unexpected(std::move(folder).error());
  return keeper::Client::connect_or_clear(*folder);
}

/// Of a process of a PID namespace of its own, whose number means another one out here, it is not known.
std::string command_of(const keeper::State& state, const std::string& pid) {
  return state.own_pids ? "" : process_name("/proc/" + pid);
}

struct Row {
  std::string name;
  keeper::State state;
  TunnelTraffic traffic;
};

std::vector<Row> look() {
  std::vector<Row> rows;
  for (const std::string& name : TunnelFolder::names()) {
    auto client = connect_to(name);
    if (!client) log::warning("the tunnel {} is not listed: {}", name, client.error().message());
    if (!client || !*client) continue;
    auto state = (*client)->ask();
    if (!state) continue;  // it has just ended
    const auto traffic = state->tunnel_runs ? ask_traffic(name) : std::nullopt;
    rows.push_back({name, *std::move(state), traffic.value_or(TunnelTraffic{})});
  }
  return rows;
}

std::string json_list(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list.append(list.empty() ? "" : ", ").append(json_string(text));
  return "[" + list + "]";
}

std::string json_of(const Row& row) {
  std::string inside;
  for (const std::string& pid : row.state.inside)
    inside += fmt::format(R"({}{{"pid": {}, "command": {}}})", inside.empty() ? "" : ", ", pid,
                          json_string(command_of(row.state, pid)));
  const auto& age = row.traffic.handshake_age;
  return fmt::format(
      "{}: {{\"keeper\": {}, \"tunnel\": {}, \"tunnelRuns\": {}, \"kept\": {}, \"config\": {}, \"mapping\": {}, "
      "\"latestHandshakeAge\": {}, \"transferRx\": {}, \"transferTx\": {}, \"ways\": {}, \"forwardedPort\": {}, "
      "\"processes\": [{}]}}",
      json_string(row.name), row.state.keeper, row.state.tunnel, row.state.tunnel_runs, row.state.kept,
      json_string(row.state.config), json_string(container::to_string(row.state.ids.rung)),
      age ? std::to_string(*age) : "null", row.traffic.received, row.traffic.sent, json_list(row.state.ways),
      row.state.forwarded_port == 0 ? "null" : std::to_string(row.state.forwarded_port), inside);
}

/// "1000 (direct)"
std::string ids_of(const keeper::IdsMapped& ids) {
  return fmt::format("{}{} ({})", ids.uid, ids.sub_ids ? " with sub-ids" : "", container::to_string(ids.rung));
}

void print_row(const Row& row) {
  const auto& age = row.traffic.handshake_age;
  fmt::print("{:<15} {:<12} {:>10} {:>10} {:>10}  {}\n", row.name,
             !row.state.tunnel_runs ? "no network"
             : row.state.kept       ? "up"
                                    : "in use",
             age ? fmt::format("{} s ago", *age) : "none", row.traffic.received, row.traffic.sent,
             ids_of(row.state.ids));
  for (const std::string& way : row.state.ways) fmt::print("  {}\n", way);
  if (row.state.forwarded_port != 0) fmt::print("  port {} forwarded by the provider\n", row.state.forwarded_port);
  for (const std::string& pid : row.state.inside) fmt::print("  {:>9}  {}\n", pid, command_of(row.state, pid));
}

}  // namespace

Parsed<UpCommand> parse_up(const Arguments& arguments) {
  UpCommand command;
  Arguments ours = arguments;
  const std::vector<const char*> words = take_container_words(arguments, command.options.container);
  ours.words = words;
  Parser parser("Starts a tunnel that stays until it is ended with down, for commands to run in.", ours);
  parser.argument("PROFILE|FILE", command.options.source, "The configuration; default as for wireguard4netns PID")
      .is_file()
      .is_profile();
  add_run_options(parser, command.options);
  parser.begin_group("As a service");
  parser.flag("--foreground", command.foreground, "Stay until the tunnel ends, and end it with SIGTERM or ^C");
  if (auto text = TRY(parser.parse())) return *std::move(text);
  TRY(apply_source(command.options));
  command.options.tunnel.waits_for_names = true;
  command.options.goes_on_logging = command.foreground;
  return command;
}

Result<void> run_up(const UpCommand& command) {
  ServiceManager manager = command.foreground ? TRY(ServiceManager::from_environment()) : ServiceManager();
  RunOptions options = command.options;
  ContainedCommand contained = TRY(contain_nothing(options.container));
  options.plan.container = std::move(contained.plan);
  options.container_words = std::move(contained.agreed);
  JoinedTunnel tunnel = TRY(join_or_make(options));
  const std::string& name = tunnel.folder.name();
  const std::string status = fmt::format("{} {}; run commands in it with: wireguard4netns exec {} -- COMMAND", name,
                                         tunnel.made ? "is up" : "was up", name);
  auto stay = command.foreground ? std::optional(TRY(Stay::begin(tunnel.keeper))) : std::nullopt;
  TRY(tunnel.keeper.keep());
  tunnel.folder.unlock();
  TRY(print({status + "\n"}));
  if (!stay) return {};
  manager.ready(status);
  const bool is_to_end = TRY(stay->wait(manager)) == Stay::End::signal;
  manager.stopping();
  if (is_to_end) {
    auto ended = run_down({.name = name, .force = true});
    if (!ended && !process_has_ended(tunnel.room.keeper.get())) return ended;
  }
  std::ignore = TRY(wait_until(tunnel.room.keeper.get(), POLLIN, deadline_in(patience)));
  return {};
}

Parsed<DownCommand> parse_down(const Arguments& arguments) {
  DownCommand command;
  Parser parser("Ends a tunnel that commands run in.", arguments);
  parser.argument("NAME", command.name, "The tunnel").required().is_named_tunnel();
  parser.flag("-f,--force", command.force, "Also if processes run in it: they are ended");
  if (auto text = TRY(parser.parse())) return *std::move(text);
  return command;
}

Result<void> run_down(const DownCommand& command) {
  TRY(TunnelFolder::check_name(command.name));
  auto client = TRY(connect_to(command.name));
  if (!client) return fail("no tunnel of the name " + command.name + " runs", 0, "See wireguard4netns ps");
  auto ended = client->end(command.force);
  if (!ended && ended.error().number == EBUSY)
    return fail(ended.error().what, 0, "See wireguard4netns ps; --force ends them");
  TRY(ended);
  std::ignore = TRY(connect_to(command.name));  // clears what the keeper may have left
  return {};
}

Parsed<PsCommand> parse_ps(const Arguments& arguments) {
  PsCommand command;
  Parser parser("Lists the tunnels that commands run in, and their processes.", arguments);
  parser.flag("--json", command.json, "As JSON");
  if (auto text = TRY(parser.parse())) return *std::move(text);
  return command;
}

Result<void> run_ps(const PsCommand& command) {
  const std::vector<Row> rows = look();
  if (command.json) {
    std::string text;
    for (const Row& row : rows) text.append(text.empty() ? "" : ",\n ").append(json_of(row));
    return print({"{" + text + "}\n"});
  }
  if (rows.empty()) return {};
  fmt::print("{:<15} {:<12} {:>10} {:>10} {:>10}  {}\n", "NAME", "STATE", "HANDSHAKE", "RECEIVED", "SENT", "IDS");
  for (const Row& row : rows) print_row(row);
  return {};
}

}  // namespace wg4
