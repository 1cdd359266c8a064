#pragma once
// The place that Podman and RootlessKit keep for pasta(1): a program that goes on in the background once the network
// works, and ends when the namespace is given up.

#include <string>

#include "shared/base/result.h"
#include "wg4netns/app/cli.h"

namespace wg4 {

[[nodiscard]] Result<void> run_pasta(const PastaCommand& command);

}  // namespace wg4
