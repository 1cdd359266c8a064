#pragma once

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

struct Pipe {
  UniqueFd reader;
  UniqueFd writer;
};

/// Both ends close on exec. `flags` are those of pipe2(2) beside that: O_NONBLOCK.
[[nodiscard]] Result<Pipe> make_pipe(int flags = 0);

}  // namespace wg4
