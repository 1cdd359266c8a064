#pragma once
// A capture of a tunnel that runs, from now until Ctrl-C. The tunnel's program can open no files any more, so that it
// sends what it records, and this one writes it down.

#include <string>

#include "shared/base/result.h"
#include "wg4netns/commands/cli.h"

namespace wg4 {

/// wireguard4netns capture NAME FILE
struct CaptureCommand {
  std::string tunnel;
  std::string file;   ///< "-" = standard output
  bool keys = false;  ///< with what decrypts it
};

[[nodiscard]] Parsed<CaptureCommand> parse_capture(const Arguments& arguments);
[[nodiscard]] Result<void> run_capture(const CaptureCommand& command);

}  // namespace wg4
