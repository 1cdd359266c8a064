#include "netns-helper/cli.h"

#include <CLI/CLI.hpp>
#include <cstddef>
#include <iostream>
#include <map>

#include "shared/base/version.h"
#include "shared/handoff/handoff.h"
#include "shared/sys/sandbox_mode.h"

// CLI11 reports by exceptions; they end in this file.

namespace wg4 {
namespace {

const std::map<std::string, Configure> configure_choices{
    {"auto", Configure::automatic}, {"yes", Configure::yes}, {"no", Configure::no}, {"mtu", Configure::mtu}};

const std::map<std::string, SandboxMode> sandbox_modes{
    {"auto", SandboxMode::automatic}, {"on", SandboxMode::on}, {"off", SandboxMode::off}};

void declare(CLI::App& app, Options& options, std::string& configure) {
  app.set_version_flag("--version", "wg4netns-helper " + std::string(version), "Print the version and exit");
  app.get_formatter()->column_width(24);
  app.add_option("--handoff-fd", options.handoff_fd, "Socket to the host program (UNIX SOCK_SEQPACKET)")
      ->required()
      ->check(CLI::NonNegativeNumber.description(""))
      ->type_name("FD");
  auto* netns = app.add_option("--netns-fd", options.netns_fd, "Network namespace that gets the interface")
                    ->check(CLI::NonNegativeNumber.description(""))
                    ->type_name("FD");
  app.add_option("--userns-fd", options.userns_fd, "User namespace that has the rights over it")
      ->check(CLI::NonNegativeNumber.description(""))
      ->needs(netns)
      ->type_name("FD");
  app.add_option("--target", options.target, "What the user calls them")->type_name("NAME");
  app.add_option("--tun-fd", options.tun_fd,
                 "... or neither: a TUN interface that serves already, and is to follow another plan")
      ->check(CLI::NonNegativeNumber.description(""))
      ->excludes(netns)
      ->type_name("FD");
  app.add_option("--ifname", options.ifname, "Name of the interface (default: wg0)")->type_name("NAME");
  app.add_flag("--vnet-hdr", options.vnet_hdr, "Packets carry a virtio_net_hdr, for segmentation offload");
  app.add_option("--queues", options.queues, "Number of TUN queues, at most 64 (default: 1)")
      ->check(CLI::Range(std::size_t{1}, handoff::max_tun_fds).description(""))
      ->type_name("N");
  app.add_flag("--await-owner", options.await_owner,
               "Let the owner of a TAP of that name set it up, up to its default route, before it is replaced");
  app.add_option("--configure", configure,
                 "Set addresses, MTU and routes: yes, no, mtu (that alone) or auto (the default: unless the interface "
                 "existed before)")
      ->check(CLI::IsMember(configure_choices).description(""))
      ->type_name("WHEN");
  app.add_flag("--port-tables", options.port_tables, "Hand out what tells which ports the namespace listens on");
  app.add_option("--sandbox", options.sandbox,
                 "Give up files and most system calls once the TUN is made: auto (the default: as far as the host "
                 "permits), on or off")
      ->transform(CLI::CheckedTransformer(sandbox_modes).description(""))
      ->type_name("MODE");
  app.add_flag("--agent", options.agent, "Stay, and dial for published ports until the host program ends");
}

int usage_error(const std::string& message) {
  std::cerr << "wg4netns-helper: error: " << message << ". See wg4netns-helper --help\n";
  return 1;
}

}  // namespace

std::variant<Options, int> parse_command_line(int argc, char** argv) {
  Options options;
  CLI::App app(
      "The namespace-side half of wireguard4netns, which starts it: makes the TUN interface inside a network\n"
      "namespace, hands it to the host program and configures it. It never sees a key.");
  std::string configure = "auto";
  declare(app, options, configure);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {  // --help, --version
    return app.exit(wanted);
  } catch (const CLI::ParseError& error) {
    return usage_error(error.what());
  }
  if (options.tun_fd < 0 && (options.netns_fd < 0 || options.userns_fd < 0))
    return usage_error("--netns-fd and --userns-fd, or --tun-fd, are required");
  options.configure = configure_choices.at(configure);
  return options;
}

}  // namespace wg4
