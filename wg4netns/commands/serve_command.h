#pragma once

#include "wg4netns/commands/cli.h"
#include "wg4netns/daemon/attach_options.h"

namespace wg4 {

[[nodiscard]] Parsed<ServeCommand> parse_serve(const Arguments& arguments);

}  // namespace wg4
