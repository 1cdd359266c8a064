// A test starts in the same state in every environment: a terminal, CTest, a service, a script that ignores signals or
// has closed its standard input.

#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <csignal>

namespace {

void begin_alike() {
  // Descriptors 0, 1 and 2 are open, and no others.
  while (open("/dev/null", O_RDWR) <= STDERR_FILENO) {
  }
  syscall(SYS_close_range, STDERR_FILENO + 1U, UINT_MAX, 0);  // of Linux 5.9; without it, what is open stays open
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  static_cast<void>(std::signal(SIGPIPE, SIG_DFL));
  static_cast<void>(std::signal(SIGCHLD, SIG_DFL));
  umask(S_IWGRP | S_IWOTH);
}

}  // namespace

int main(int argc, char** argv) {
  begin_alike();
  return doctest::Context(argc, argv).run();
}
