#include "wg4netns/engines/broker_command.h"

#include <chrono>
#include <optional>
#include <utility>

#include "shared/base/result.h"
#include "wg4netns/commands/parser.h"

namespace wg4 {

Parsed<BrokerCommand> parse_broker(const Arguments& arguments) {
  BrokerCommand command;
  std::optional<unsigned> idle;
  Parser parser("Runs the tunnels of containers for the netavark plugin, which cannot reach the host's network.",
                arguments);
  parser.option("--idle", "SECONDS", idle, "End after so long without a container; default: stay").within(0, 86400);
  if (auto text = TRY(parser.parse())) return *std::move(text);
  if (idle) command.idle = std::chrono::seconds(*idle);
  return command;
}

}  // namespace wg4
