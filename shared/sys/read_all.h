#pragma once

#include <cstddef>
#include <string>

#include "shared/base/result.h"
#include "shared/sys/deadline.h"

namespace wg4 {

/// Reads `fd` to its end. An error, with `name` in it, if there are more than `limit` bytes, or no end by the deadline.
[[nodiscard]] Result<std::string> read_all(int fd, const std::string& name, std::size_t limit, Deadline deadline);

}  // namespace wg4
