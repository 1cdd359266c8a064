#pragma once
// What can be undone by nothing but the end of a process is tried in a child.

#include <sys/wait.h>
#include <unistd.h>

#include <concepts>
#include <csignal>
#include <cstdlib>

namespace wg4 {

/// How a child ended that did `body` and ended with what that returned: a status of wait(2).
template <std::invocable Body>
int in_child(const Body& body) {
  const pid_t pid = fork();
  if (pid == 0) {
    // As they are outside of a test's framework, which would report them as faults of the test.
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
