#include "netns-helper/container/mounts/rooted_path.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "shared/base/unique_fd.h"

namespace wg4::container {

UniqueFd open_below(int root, const std::string& path, int flags) {
  struct open_how how{};
  how.flags = static_cast<decltype(how.flags)>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  constexpr int max_attempts = 32;
  UniqueFd file;
  // EAGAIN: while the kernel went up by "..", something was renamed somewhere.
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    file.reset(static_cast<int>(syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
    if (file.valid() || errno != EAGAIN) break;
  }
  return file;
}

std::string path_of(const UniqueFd& file) { return "/proc/self/fd/" + std::to_string(file.get()); }

}  // namespace wg4::container
