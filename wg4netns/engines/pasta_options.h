#pragma once
// The options of pasta(1) that engines use, in its words.

#include "wg4netns/commands/cli.h"
#include "wg4netns/engines/pasta.h"

namespace wg4 {

/// pasta [OPTIONS] [PID|PATH]
[[nodiscard]] Parsed<PastaCommand> parse_pasta(const Arguments& arguments);

}  // namespace wg4
