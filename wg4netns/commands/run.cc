#include "wg4netns/commands/run.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

#include "shared/sys/foreground.h"
#include "shared/sys/log.h"
#include "shared/sys/process.h"
#include "shared/sys/starting_command.h"
#include "wg4netns/commands/container_options.h"
#include "wg4netns/commands/enter_tunnel.h"
#include "wg4netns/commands/handover_warning.h"
#include "wg4netns/commands/handshake_wait.h"
#include "wg4netns/commands/join_tunnel.h"
#include "wg4netns/commands/parser.h"
#include "wg4netns/supervise/keeper_client.h"

namespace wg4 {
namespace {

/// By its path: a working directory of the host's mount namespace would lead out of this one.
Result<void> go_to(const std::string& folder, const keeper::Room& room) {
  if (chdir(folder.c_str()) == 0) return {};
  return fail("go to the working directory " + folder +
                  (room.rules.valid() ? " in the container" : " in the tunnel's mount namespace"),
              errno,
              room.rules.valid() ? "Show it there: --bind " + folder + " " + folder
                                 : "Start the command from another one: cd /");
}

/// The one that was asked for, or this process' own; in a container that does not have it, home, or the root.
Result<void> go_to_work(const CommandShape& shape, const std::string& own, const keeper::Room& room) {
  if (shape.directory) return go_to(*shape.directory, room);
  if (!room.rules.valid()) return go_to(own, room);
  for (const std::string& folder : {own, room.directory})
    if (chdir(folder.c_str()) == 0) return {};
  return go_to("/", room);
}

/// What the command gets beside the standard streams is named; all else ends with exec.
Result<void> keep_only(const std::vector<InheritedFd>& files) {
  constexpr unsigned first = STDERR_FILENO + 1;
  if (close_range(first, std::numeric_limits<unsigned>::max(), CLOSE_RANGE_CLOEXEC) != 0)
    return fail("close descriptors", errno);
  for (const InheritedFd& file : files)
    if (fcntl(file.from, F_SETFD, 0) != 0) return fail("give descriptor " + std::to_string(file.from), errno);
  return {};
}

std::vector<std::string> environment_for(std::vector<std::string> environment, const std::string& name,
                                         const keeper::Room& room) {
  constexpr std::string_view prefix = "WIREGUARD4NETNS_";
  for (const char* name_of_ours : {"NAME=", "ADDRESS=", "FORWARDED_PORT="})
    std::erase_if(environment,
                  [&](const std::string& entry) { return entry.starts_with(std::string(prefix) + name_of_ours); });
  environment.push_back(std::string(prefix) + "NAME=" + name);
  if (!room.addresses.empty())
    environment.push_back(std::string(prefix) +
                          "ADDRESS=" + room.addresses.front().substr(0, room.addresses.front().find('/')));
  if (room.forwarded_port != 0)
    environment.push_back(std::string(prefix) + "FORWARDED_PORT=" + std::to_string(room.forwarded_port));
  return environment;
}

Result<std::string> working_directory() {
  std::error_code error;
  const auto path = std::filesystem::current_path(error);
  if (error) return fail("find the working directory", error.value(), "Start the command from another one: cd /");
  return path.string();
}

void tell_of_lost_network(const std::string& name) {
  log::error("the tunnel {} has ended: the command has no network any more", name);
}

/// In the tunnel, which is locked until its keeper knows of the command.
Result<int> run_inside(JoinedTunnel tunnel, const CommandShape& shape) {
  const std::string name = tunnel.folder.name();
  const std::string folder = TRY(working_directory());
  Foreground foreground = TRY(Foreground::prepare());
  const CommandStart start{.program = shape.program,
                           .arguments = shape.arguments,
                           .environment = environment_for(shape.environment, name, tunnel.room),
                           .enter = [&]() -> Result<void> {
                             TRY(enter_tunnel(tunnel.room));
                             return go_to_work(shape, folder, tunnel.room);
                           },
                           .enters_pid_namespace = tunnel.room.pids.valid(),
                           .confine = [&]() -> Result<void> {
                             if (shape.new_session) setsid();
                             if (shape.only_these_files || tunnel.room.rules.valid()) TRY(keep_only(shape.files));
                             TRY(confine_in_tunnel(tunnel.room));
                             return {};
                           }};
  TRY(foreground.start(start));
  // Until it runs its program, a keeper cannot see it by itself.
  TRY(tunnel.keeper.tell_inside(foreground.await_pid()));
  tunnel.folder.unlock();
  tunnel.room.leave();
  const std::array watches{Foreground::Watch{tunnel.room.tunnel.get(), [&] { tell_of_lost_network(name); }}};
  const CommandEnd end = TRY(foreground.wait(watches));
  std::ignore = tunnel.keeper.settle(tunnel.room);
  std::ignore = keeper::Client::connect_or_clear(tunnel.folder);
  reap_children();  // keeper and tunnel, if this process has made them
  if (end.failure) log::error("{}", end.failure->message());
  return foreground.end_as(end.status);
}

/// Where the command belongs; `usage` is what is in front of it.
std::string place_of_command(const std::string& usage) {
  return "Write the command behind --: wireguard4netns " + usage + " -- COMMAND";
}

/// Without a command there is nothing that would end.
Result<void> expect_command(const SplitWords& split, const std::string& usage) {
  if (split.has_command && !split.command.empty()) return {};
  return fail("there is no command to run", 0, place_of_command(usage));
}

}  // namespace

Parsed<RunCommand> parse_run(const Arguments& arguments) {
  RunCommand command;
  SplitWords split = split_words(arguments);
  const std::vector<const char*> ours = take_container_words(split.ours, command.options.container);
  split.ours.words = ours;
  Parser parser(
      "Runs a command in a tunnel: all of its traffic, and nothing else's, goes through it.\n"
      "run [OPTIONS] [PROFILE|FILE] -- COMMAND [ARG...]",
      split.ours);
  parser.argument("PROFILE|FILE", command.options.source, "The configuration; default as for wireguard4netns PID")
      .is_file()
      .is_profile();
  add_run_options(parser, command.options);
  parser.hint_for_more(place_of_command("run PROFILE"));
  if (auto text = TRY(parser.parse())) return *std::move(text);
  TRY(apply_source(command.options));
  TRY(expect_command(split, "run " + command.options.source.value_or("PROFILE")));
  command.command = std::move(split.command);
  return command;
}

Parsed<ExecCommand> parse_exec(const Arguments& arguments) {
  ExecCommand command;
  SplitWords split = split_words(arguments);
  const std::vector<const char*> ours = take_container_words(split.ours, command.container);
  split.ours.words = ours;
  Parser parser("Runs a command in a tunnel that runs.\nexec NAME -- COMMAND [ARG...]", split.ours);
  parser.argument("NAME", command.name, "The tunnel, or the PID of a process in it").required().is_named_tunnel();
  parser.add_log_level();
  parser.hint_for_more(place_of_command("exec NAME"));
  if (auto text = TRY(parser.parse())) return *std::move(text);
  TRY(expect_command(split, "exec " + command.name));
  command.command = std::move(split.command);
  return command;
}

Parsed<ExecCommand> parse_shell(const Arguments& arguments) {
  ExecCommand command;
  Parser parser("Runs $SHELL in a tunnel that runs.", arguments);
  parser.argument("NAME", command.name, "The tunnel, or the PID of a process in it; default the only one")
      .is_named_tunnel();
  parser.add_log_level();
  if (auto text = TRY(parser.parse())) return *std::move(text);
  const char* shell = std::getenv("SHELL");
  command.command = {shell != nullptr && *shell != '\0' ? shell : "/bin/sh"};
  return command;
}

Result<int> run_command(const RunCommand& command) {
  ContainedCommand contained = TRY(contain(command.options.container, command.command));
  RunOptions options = command.options;
  options.plan.container = std::move(contained.plan);
  options.container_words = std::move(contained.agreed);
  JoinedTunnel tunnel = TRY(join_or_make(options));
  warn_of_handover(command.command);
  if (options.wait_for_handshake) TRY(wait_for_handshake(tunnel));
  return run_inside(std::move(tunnel), contained.command);
}

Result<int> exec_command(const ExecCommand& command) {
  const CommandShape shape = TRY(shape_of_joining(command.container, command.command));
  JoinedTunnel tunnel = TRY(join_running(command.name));
  warn_of_handover(command.command);
  return run_inside(std::move(tunnel), shape);
}

}  // namespace wg4
