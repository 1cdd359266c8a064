#pragma once
// A capture of a running tunnel, from now until Ctrl-C. The tunnel's process can open no files any more, so it sends
// its recording to this one, which writes the file.

#include <string>

#include "shared/base/result.h"
#include "wg4netns/commands/cli.h"

namespace wg4 {

/// wireguard4netns capture NAME FILE
struct CaptureCommand {
  std::string tunnel;
  std::string file;   ///< "-" = standard output
  bool keys = false;  ///< with the keys that decrypt it
};

[[nodiscard]] Parsed<CaptureCommand> parse_capture(const Arguments& arguments);
[[nodiscard]] Result<void> run_capture(const CaptureCommand& command);

}  // namespace wg4
