// wireguard4netns: the host-namespace half. Keys, UDP socket and protocol are here; the namespace is never entered.

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <variant>

#include "shared/base/result.h"
#include "shared/sys/log.h"
#include "shared/sys/process.h"
#include "wg4netns/commands/capture_command.h"
#include "wg4netns/commands/check.h"
#include "wg4netns/commands/cli.h"
#include "wg4netns/commands/key_commands.h"
#include "wg4netns/commands/reload.h"
#include "wg4netns/commands/show.h"
#include "wg4netns/commands/wg_command.h"
#include "wg4netns/crypto/startup.h"
#include "wg4netns/daemon/attach.h"
#include "wg4netns/daemon/resolver.h"
#include "wg4netns/doctor/doctor.h"
#include "wg4netns/engines/netavark.h"
#include "wg4netns/engines/oci_hook.h"
#include "wg4netns/engines/pasta.h"
#include "wg4netns/engines/wireguard_go.h"
#include "wg4netns/supervise/broker.h"

namespace wg4 {
namespace {

/// One overload for each command of the command line.
struct Run {
  Result<void> operator()(const AttachCommand& command) { return attach(command); }
  Result<void> operator()(const InterfaceCommand& command) { return run_interface(command); }
  Result<void> operator()(const PastaCommand& command) { return run_pasta(command); }
  Result<void> operator()(const NetavarkCommand& command) { return run_netavark(command); }
  Result<void> operator()(const BrokerCommand& command) { return run_broker(command); }
  Result<void> operator()(const ServeCommand& command) { return serve_descriptor(command); }
  Result<void> operator()(const CheckCommand& command) { return check(command); }
  Result<void> operator()(const DoctorCommand& command) { return run_doctor(command); }
  Result<void> operator()(const OciHookCommand& command) { return run_oci_hook(command); }
  Result<void> operator()(KeyCommand command) { return run_key_command(command); }
  Result<void> operator()(const ShowCommand& command) { return run_show(command); }
  Result<void> operator()(const ReloadCommand& command) { return reload(command); }
  Result<void> operator()(const CaptureCommand& command) { return run_capture(command); }
  Result<void> operator()(const WgCommand& command) { return run_wg(command); }
  Result<void> operator()(ResolverCommand command) { return run_resolver(resolver_socket, command.sandbox); }
  Result<void> operator()(const PrintCommand& command) {
    if (std::fputs(command.text.c_str(), stdout) < 0 || std::fflush(stdout) != 0) return fail("write", errno);
    return {};
  }
};

Result<void> run(int argc, char** argv) {
  if (!crypto::start_up()) return fail("libsodium does not work on this machine");
  const Command command = TRY(parse_command_line(argc, argv));
  // Most commands read keys, some before they do anything else. Stock wg(8) needs a namespace that this would deny it,
  // and is given none by us.
  if (!std::holds_alternative<WgCommand>(command)) TRY(forbid_looking_in());
  return std::visit(Run{}, command);
}

}  // namespace
}  // namespace wg4

#ifdef WG4_SANITIZED
// LeakSanitizer traces the process when it ends, which this one forbids.
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }
#endif

int main(int argc, char** argv) {
  wg4::log::look_for_journal();
  const auto result = wg4::run(argc, argv);
  if (result) return EXIT_SUCCESS;
  wg4::log::error("{}", result.error().message());
  return EXIT_FAILURE;
}
