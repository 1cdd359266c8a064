#include "shared/sys/terminal.h"

#include <fcntl.h>
#include <unistd.h>

namespace wg4 {

Terminal Terminal::open_own() { return Terminal(UniqueFd(open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC))); }

pid_t Terminal::foreground_group() const { return fd_.valid() ? tcgetpgrp(fd_.get()) : -1; }

void Terminal::give_to(pid_t group) const {
  // It fails if the group or the terminal is gone meanwhile: then there is nothing to give.
  if (fd_.valid()) static_cast<void>(tcsetpgrp(fd_.get(), group));
}

}  // namespace wg4
