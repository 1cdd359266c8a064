#pragma once
// The command line as a value. CLI11 stays in cli.cc.

#include <string>
#include <variant>

#include "shared/base/result.h"
#include "wg4netns/commands/capture_command.h"
#include "wg4netns/commands/check.h"
#include "wg4netns/commands/key_commands.h"
#include "wg4netns/commands/reload.h"
#include "wg4netns/commands/show.h"
#include "wg4netns/commands/wg_command.h"
#include "wg4netns/daemon/attach_options.h"
#include "wg4netns/daemon/resolver.h"
#include "wg4netns/doctor/doctor.h"
#include "wg4netns/engines/netavark.h"
#include "wg4netns/engines/oci_hook.h"
#include "wg4netns/engines/pasta.h"
#include "wg4netns/engines/wireguard_go.h"
#include "wg4netns/supervise/broker.h"

namespace wg4 {

/// Text for standard output, and nothing else to do: --help, --version.
struct PrintCommand {
  std::string text;
};

using Command = std::variant<AttachCommand, InterfaceCommand, PastaCommand, NetavarkCommand, BrokerCommand,
                             ServeCommand, CheckCommand, DoctorCommand, KeyCommand, OciHookCommand, ShowCommand,
                             ReloadCommand, CaptureCommand, WgCommand, ResolverCommand, PrintCommand>;

/// Sets the log level as a side effect of --log-level.
[[nodiscard]] Result<Command> parse_command_line(int argc, const char* const* argv);

}  // namespace wg4
