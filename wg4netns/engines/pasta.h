#pragma once
// The place that Podman and RootlessKit keep for pasta(1): a program that goes on in the background once the network
// works, and ends when the namespace is given up.

#include <string>

#include "shared/base/result.h"
#include "wg4netns/daemon/attach_options.h"

namespace wg4 {

/// pasta [OPTIONS] --netns PATH, as Podman and RootlessKit have it
struct PastaCommand {
  AttachCommand attach;
  bool foreground = false;
  std::string pid_file;  ///< empty = none
};

[[nodiscard]] Result<void> run_pasta(const PastaCommand& command);

}  // namespace wg4
