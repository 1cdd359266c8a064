#include "wg4netns/commands/attach_command.h"

#include <fmt/format.h>

#include <cstddef>
#include <string_view>
#include <utility>

#include "wg4netns/commands/cli_words.h"
#include "wg4netns/commands/tunnel_options.h"
#include "wg4netns/forward/publish_spec.h"
#include "wg4netns/forward/rule.h"

namespace wg4 {
namespace {

void add_namespace_options(Parser& parser, AttachArguments& arguments) {
  AttachCommand& command = arguments.command;
  parser.argument("PID|PATH", command.target, "Process, or path of a network namespace").required().is_file();
  parser.argument("IFNAME", arguments.ifname, "Name of the interface in the namespace; default wg0");
  parser.argument("CONF", arguments.conf, "wg-quick file, as --config").is_file();
  parser.begin_group("Namespace");
  parser.choice("--netns-type", "TYPE", command.target_type, {{"pid", TargetType::pid}, {"path", TargetType::path}},
                "pid or path; default: a number is a PID");
  parser.option("--userns-path", "PATH", command.userns_path,
                "User namespace to work in; default: the namespace's owner");
  parser.flag("-c,--configure", arguments.configure,
              "Set addresses, routes and MTU even if the interface exists already");
  parser.flag("--no-configure", arguments.no_configure, "Make the interface and leave it down and bare")
      .excludes("--configure");
  add_helper_option(parser, command.helper);
}

void add_forward_options(Parser& parser, AttachArguments& arguments) {
  parser.begin_group("Ports");
  parser.option("-a,--api-socket", "PATH", arguments.command.forward.api_socket,
                "Publish ports on request at this UNIX socket");
  parser
      .option("-p,--publish", "SPEC", arguments.published,
              "Publish a port of the namespace: [ADDRESS:]PORT:[ADDRESS:]PORT[/udp]")
      .repeated();
}

/// A line for each command, or for several that belong together: so that all of --help fits a screen.
std::string lines_of(CommandTable table) {
  std::string text;
  std::string names;
  for (std::size_t i = 0; i < table.size(); ++i) {
    const CommandEntry& entry = table[i];
    if (entry.name.empty() || entry.hidden) continue;
    names.append(names.empty() ? "" : ", ").append(entry.name);
    if (!entry.together.empty() && i + 1 < table.size() && table[i + 1].together == entry.together) continue;
    text += fmt::format("  {:<10} {}\n", names, entry.together.empty() ? entry.about : entry.together);
    names.clear();
  }
  return text;
}

}  // namespace

std::string introduction(CommandTable table) {
  std::string text =
      "Rootless WireGuard for Linux network namespaces.\n\n"
      "Gives the network namespace of process PID, or the one at PATH, a WireGuard interface IFNAME (wg0).\n"
      "CONF is a wg-quick file; default ~/.config/wireguard4netns/default.conf.\n"
      "-f IFNAME, or a name like wg0 alone, makes it here, for wg(8) to configure, as wireguard-go does.\n\n"
      "Commands with a --help of their own:\n";
  return text + lines_of(table);
}

Result<void> check_first_word(const Arguments& arguments) {
  const std::string_view first = arguments.words.empty() ? "" : arguments.words[0];
  if (first.empty() || first.front() == '-') return {};
  return check_first_word(std::string(first), names_of(arguments.table));
}

void add_attach_options(Parser& parser, AttachArguments& arguments) {
  add_namespace_options(parser, arguments);
  add_tunnel_options(parser, arguments.command.tunnel);
  add_forward_options(parser, arguments);
}

Result<AttachCommand> attach_command(AttachArguments& arguments, CommandTable table) {
  AttachCommand& command = arguments.command;
  TRY(check_attach_words({.target = command.target,
                          .target_is_guessed = command.target_type == TargetType::guess,
                          .ifname = arguments.ifname,
                          .conf = arguments.conf,
                          .config_is_named = command.tunnel.config || command.tunnel.profile},
                         names_of(table)));
  if (arguments.ifname) command.ifname = *arguments.ifname;
  if (arguments.configure) command.configuration = Configuration::yes;
  if (arguments.no_configure) command.configuration = Configuration::no;
  if (arguments.conf) command.tunnel.config = arguments.conf;
  for (const std::string& spec : arguments.published) {
    const auto rules = TRY(forward::parse_publish(spec, forward::published_loopback()));
    command.forward.published.insert(command.forward.published.end(), rules.begin(), rules.end());
  }
  return std::move(command);
}

}  // namespace wg4
