#pragma once

#include <cstddef>
#include <string>

#include "shared/base/result.h"
#include "shared/sys/deadline.h"

namespace wg4 {

/// What `fd` has up to its end; an error that names `name` beyond `limit` bytes, or when there is no end by the
/// deadline.
[[nodiscard]] Result<std::string> read_all(int fd, const std::string& name, std::size_t limit, Deadline deadline);

}  // namespace wg4
