#pragma once
// wireguard4netns seccomp print: what a filter of system calls does.

#include <string>
#include <vector>

#include "netns-helper/container/filter/presets.h"
#include "shared/base/result.h"
#include "wg4netns/commands/cli.h"

namespace wg4 {

/// seccomp print [PRESET...|FILE]
struct SeccompPrintCommand {
  std::vector<std::string> words;  ///< as --seccomp has them with commas in between; none: default
  container::filter::Flags flags;
};
[[nodiscard]] Parsed<SeccompPrintCommand> parse_seccomp_print(const Arguments& arguments);
[[nodiscard]] Result<void> run_seccomp_print(const SeccompPrintCommand& command);

/// A row's `prepare`: one of these.
[[nodiscard]] Result<Task> prepare_seccomp(const Arguments& arguments);

}  // namespace wg4
