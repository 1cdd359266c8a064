#include "wg4netns/commands/show.h"

#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "wg4netns/commands/parser.h"
#include "wg4netns/commands/registered.h"
#include "wg4netns/commands/show_text.h"
#include "wg4netns/io/clocks.h"
#include "wg4netns/supervise/registry.h"
#include "wg4netns/uapi/control_client.h"
#include "wg4netns/uapi/control_socket.h"

namespace wg4 {
namespace {

constexpr const char* clear_screen = "\x1b[H\x1b[2J";

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// By wg's variables, and by the convention that came after them (no-color.org).
show::Style choose_style() {
  const std::string_view mode = environment("WG_COLOR_MODE");
  const bool terminal = isatty(STDOUT_FILENO) == 1 && environment("NO_COLOR").empty();
  return {.colour = mode == "always" || (mode != "never" && terminal), .keys = environment("WG_HIDE_KEYS") == "never"};
}

using Registered = std::vector<registry::Running>;

Result<show::Tunnel> look_at(const RunningTunnel& tunnel, const Registered& registered) {
  return show::Tunnel{tunnel.name, TRY(ask_status(tunnel)), ask_registered_status(tunnel, registered)};
}

Result<std::vector<show::Tunnel>> look(const std::string& name) {
  std::vector<show::Tunnel> tunnels;
  const Registered registered = registry::find_running();
  if (name != "all") {
    const RunningTunnel tunnel = TRY(find_tunnel(name));
    tunnels.push_back(TRY(look_at(tunnel, registered)));
    return tunnels;
  }
  for (const RunningTunnel& each : find_tunnels())
    if (auto tunnel = look_at(each, registered)) tunnels.push_back(*std::move(tunnel));  // else it has just ended
  return tunnels;
}

std::string list_names() {
  std::string text;
  for (const RunningTunnel& tunnel : find_tunnels()) text.append(text.empty() ? "" : " ").append(tunnel.name);
  return text.empty() ? "" : text + "\n";
}

Result<std::string> text_of(const ShowCommand& command) {
  if (command.tunnel == "interfaces") return list_names();
  const auto tunnels = TRY(look(command.tunnel));
  const show::Style style = choose_style();
  if (command.json) return show::json(tunnels, style);
  std::string text;
  for (const show::Tunnel& tunnel : tunnels) {
    if (command.field.empty()) {
      text.append(text.empty() ? "" : "\n").append(show::pretty(tunnel, read_clocks().wall, style));
    } else if (const auto lines = show::field(tunnel, command.field, command.tunnel == "all")) {
      text += *lines;
    } else {
      return fail("there is no field '" + command.field + "'", 0, "See wireguard4netns show --help");
    }
  }
  return text;
}

/// Fails where there can be no control socket: a tunnel may run there without being shown.
Result<void> expect_to_see_all() {
  const auto folder = uapi::expect_a_folder();
  if (folder) return {};
  return fail(folder.error().what, folder.error().number,
              "Tunnels that run without that folder are not shown. " + folder.error().hint);
}

}  // namespace

Parsed<ShowCommand> parse_show(const Arguments& arguments) {
  ShowCommand command;
  std::optional<double> seconds;
  Parser parser("Prints the state of tunnels: for people, or one field of each, as wg(8) does.", arguments);
  parser.argument("NAME", command.tunnel, "The tunnel; all (the default), or interfaces for the names alone")
      .is_tunnel();
  parser.argument("FIELD", command.field,
                  "public-key, private-key, listen-port, fwmark, peers, preshared-keys, endpoints, allowed-ips, "
                  "latest-handshakes, transfer, persistent-keepalive, dump, details or drops");
  parser.flag("--json", command.json, "As JSON, with the keys of wg-json");
  parser.option("--watch", "SECONDS", seconds, "Again every so many seconds; default 1")
      .or_alone("1")
      .within(0.1, 86400.0);
  if (auto text = TRY(parser.parse())) return *std::move(text);
  if (seconds) command.watch = std::chrono::milliseconds(static_cast<std::int64_t>(*seconds * 1000));
  return command;
}

Result<void> run_show(const ShowCommand& command) {
  const bool terminal = isatty(STDOUT_FILENO) == 1;
  for (;;) {
    const std::string text = TRY(text_of(command));
    if (command.watch && terminal) TRY(print({clear_screen}));
    TRY(print({text}));
    if (command.tunnel == "all" || command.tunnel == "interfaces") TRY(expect_to_see_all());
    if (!command.watch) return {};
    std::this_thread::sleep_for(*command.watch);
  }
}

}  // namespace wg4
