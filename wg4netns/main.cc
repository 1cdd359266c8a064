// wireguard4netns: the half that stays in the host's network, with keys, UDP socket and protocol. It enters no
// namespace. This is the table of its commands, each of which parses its own words and does its own work.

#include <array>
#include <cstddef>
#include <cstdlib>
#include <ranges>
#include <span>
#include <string>
#include <string_view>

#include "shared/base/result.h"
#include "shared/sys/log.h"
#include "wg4netns/commands/capture_command.h"
#include "wg4netns/commands/check.h"
#include "wg4netns/commands/cli.h"
#include "wg4netns/commands/completion_command.h"
#include "wg4netns/commands/desktop.h"
#include "wg4netns/commands/key_commands.h"
#include "wg4netns/commands/named_tunnels.h"
#include "wg4netns/commands/profile_command.h"
#include "wg4netns/commands/reload.h"
#include "wg4netns/commands/resolver_command.h"
#include "wg4netns/commands/run.h"
#include "wg4netns/commands/seccomp.h"
#include "wg4netns/commands/serve_command.h"
#include "wg4netns/commands/show.h"
#include "wg4netns/commands/wg_command.h"
#include "wg4netns/crypto/startup.h"
#include "wg4netns/daemon/attach.h"
#include "wg4netns/doctor/doctor.h"
#include "wg4netns/engines/broker_command.h"
#include "wg4netns/engines/netavark.h"
#include "wg4netns/engines/oci_hook.h"
#include "wg4netns/engines/pasta.h"
#include "wg4netns/engines/pasta_options.h"
#include "wg4netns/engines/slirp4netns_options.h"
#include "wg4netns/engines/wireguard_go.h"
#include "wg4netns/supervise/broker.h"
#include "wg4netns/verify/verify.h"

namespace wg4 {
namespace {

// Lines of --help for several.
constexpr std::string_view effects = "say what a configuration, or a filter of system calls, would do";
constexpr std::string_view commands_inside = "run a command, or a shell, in a tunnel that runs";
constexpr std::string_view keys = "make keys, as wg(8) does";
constexpr std::string_view engines = "work for container engines";

constexpr auto commands = std::to_array<CommandEntry>({
    // Without a command: wireguard-go's place, else PID|PATH [IFNAME [CONF]].
    {.prepare = prepare<parse_interface, run_interface>, .takes = is_wireguard_go},
    {.prepare = prepare<parse_attach, attach>},

    // In the order of --help.
    {.name = "run",
     .about = "run a command in a tunnel of its own",
     .prepare = prepare<parse_run, run_command>,
     .runs_another_program = true,
     .failure = own_failure},
    {"up", "start a tunnel that stays, for commands to run in", prepare<parse_up, run_up>},
    {.name = "exec",
     .about = "run a command in a tunnel that runs",
     .prepare = prepare<parse_exec, exec_command>,
     .together = commands_inside,
     .runs_another_program = true,
     .failure = own_failure},
    {.name = "shell",
     .about = "run a shell in a tunnel that runs",
     .prepare = prepare<parse_shell, exec_command>,
     .together = commands_inside,
     .failure = own_failure},
    {"down", "end a tunnel", prepare<parse_down, run_down>},
    {"ps", "list tunnels that commands run in", prepare<parse_ps, run_ps>},
    {.name = "verify",
     .about = "prove that commands in a tunnel have no other way out",
     .prepare = prepare<parse_verify, run_verify>,
     .failure = verify_unknown},
    {"show", "print the state of tunnels, as wg(8) does, and more", prepare<parse_show, run_show>},
    {"reload", "have a tunnel follow its configuration again", prepare<parse_reload, reload>},
    {"capture", "write a tunnel's packets to a file, from now on", prepare<parse_capture, run_capture>},
    {.name = "wg",
     .about = "run stock wg(8) where it finds this user's tunnels",
     .prepare = prepare<parse_wg, run_wg>,
     .becomes_another_program = true},
    {"profile", "keep configurations by name", prepare_profile},
    {"desktop", "put applications into the menu that start in a tunnel", prepare_desktop},
    {.name = "check",
     .about = "say what a configuration would do",
     .prepare = prepare<parse_check, check>,
     .together = effects},
    {.name = "seccomp",
     .about = "say what a filter of system calls does",
     .prepare = prepare_seccomp,
     .together = effects},
    {"doctor", "say what is wrong: with this host, a configuration, its peers", prepare<parse_doctor, run_doctor>},
    {.name = "genkey",
     .about = "make a private key, as wg(8) does",
     .prepare = prepare<parse_genkey, run_key_command>,
     .together = keys},
    {.name = "pubkey",
     .about = "make the public key of one",
     .prepare = prepare<parse_pubkey, run_key_command>,
     .together = keys},
    {.name = "genpsk",
     .about = "make a preshared key",
     .prepare = prepare<parse_genpsk, run_key_command>,
     .together = keys},
    {.name = "oci-hook",
     .about = "give a tunnel to a container that is being made",
     .prepare = prepare<parse_oci_hook, run_oci_hook>,
     .together = engines},
    {.name = "pasta",
     .about = "take the place of pasta(1) in Podman and RootlessKit",
     .prepare = prepare<parse_pasta, run_pasta>,
     .also_called = "pasta",
     .together = engines},
    {.name = "netavark",
     .about = "work as a network plugin of Podman",
     .prepare = prepare<parse_netavark, run_netavark>,
     .also_called = "wireguard",
     .together = engines},
    {.name = "broker",
     .about = "run the tunnels for that plugin",
     .prepare = prepare<parse_broker, run_broker>,
     .together = engines},
    {.name = "serve",
     .about = "move packets for a TUN that somebody else made",
     .prepare = prepare<parse_serve, serve_descriptor>,
     .together = engines},
    {"completion", "print what completes command lines in a shell", prepare<parse_completion, run_completion>},

    {.name = "resolver", .prepare = prepare<parse_resolver, run_resolver_command>, .hidden = true},
});

/// An error that tells of several things that were tried has a line for each.
void say(const Error& error) {
  const std::string text = error.message();
  for (const auto line : std::views::split(text, '\n')) log::error("{}", std::string_view(line.begin(), line.end()));
}

int run(std::span<const char* const> argv) {
  if (!crypto::start_up()) {
    log::error("libsodium does not work on this machine");
    return EXIT_FAILURE;
  }
  const Outcome outcome = run_command_line(commands, argv);
  if (outcome.status) return *outcome.status;
  say(outcome.status.error());
  return outcome.failure;
}

}  // namespace
}  // namespace wg4

#ifdef WG4_SANITIZED
// LeakSanitizer traces the process when it ends, which this one forbids.
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }
#endif

int main(int argc, char** argv) {
  wg4::log::look_for_journal();
  return wg4::run(std::span(argv, static_cast<std::size_t>(argc)));
}
