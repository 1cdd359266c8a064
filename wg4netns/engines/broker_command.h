#pragma once
// The broker's options. They are not in supervise/, which reads no command line.

#include "wg4netns/commands/cli.h"
#include "wg4netns/supervise/broker.h"

namespace wg4 {

[[nodiscard]] Parsed<BrokerCommand> parse_broker(const Arguments& arguments);

}  // namespace wg4
