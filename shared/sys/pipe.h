#pragma once

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

struct Pipe {
  UniqueFd reader;
  UniqueFd writer;
};

/// A pipe whose ends are close-on-exec. `flags` are further flags of pipe2(2): O_NONBLOCK.
[[nodiscard]] Result<Pipe> make_pipe(int flags = 0);

}  // namespace wg4
