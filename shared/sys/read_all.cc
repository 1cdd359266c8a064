#include "shared/sys/read_all.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace wg4 {

Result<std::string> read_all(int fd, const std::string& name, std::size_t limit, Deadline deadline) {
  constexpr std::size_t step = 16 * 1024;
  std::string text;
  for (;;) {
    const std::size_t used = text.size();
    if (used > limit) return fail(name + " is larger than " + std::to_string(limit) + " bytes");
    if (!TRY(wait_until(fd, POLLIN, deadline))) return fail(name + " has no end: nobody wrote the rest of it");
    text.resize(used + step);
    const ssize_t got = read(fd, text.data() + used, step);
    if (got < 0 && errno != EINTR && errno != EAGAIN) return fail("read " + name, errno);
    text.resize(used + static_cast<std::size_t>(got < 0 ? 0 : got));
    if (got == 0) return text;
  }
}

}  // namespace wg4
