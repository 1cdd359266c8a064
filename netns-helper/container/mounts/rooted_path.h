#pragma once
// Paths below a folder that is taken for the root: no "..", absolute link, or link of /proc leads out of it
// (openat2(2), RESOLVE_IN_ROOT). Linux 5.6.

#include <string>

#include "shared/base/unique_fd.h"

namespace wg4::container {

/// Opens `path` as if the open folder `root` were "/", with flags of open(2). Invalid with an errno if it cannot: ELOOP
/// also for a link of /proc that leads to no path.
[[nodiscard]] UniqueFd open_below(int root, const std::string& path, int flags);

/// The path of what is open, in the eyes of this process: it leads there even if what is open has no other.
[[nodiscard]] std::string path_of(const UniqueFd& file);

}  // namespace wg4::container
