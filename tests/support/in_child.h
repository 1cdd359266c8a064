#pragma once
// Runs test code in a child if its effects last until the end of the process.

#include <sys/wait.h>
#include <unistd.h>

#include <concepts>
#include <csignal>
#include <cstdlib>

namespace wg4 {

/// Runs `body` in a child, whose exit status is what `body` returns. Returns the status of wait(2).
template <std::invocable Body>
int in_child(const Body& body) {
  const pid_t pid = fork();
  if (pid == 0) {
    // The default actions: the test framework's handlers would report these as failures of the test.
    for (const int number : {SIGABRT, SIGFPE, SIGILL, SIGINT, SIGSEGV, SIGTERM})
      static_cast<void>(signal(number, SIG_DFL));
    _exit(body());
  }
  int status = -1;
  waitpid(pid, &status, 0);
  return status;
}

/// The exit status; -1 for a child that a signal ended.
inline int exit_status(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -1; }

/// The signal that ended the child; 0 for one that ended by itself.
inline int end_signal(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }

}  // namespace wg4
