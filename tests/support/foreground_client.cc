// foreground_client [--pid-namespace] [--watch FD] [--fail=enter|confine] [--] COMMAND [ARGUMENT...]
// Runs a command the way `run` does, without anything else that `run` does: for tests of what a shell sees.

#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/sys/foreground.h"
#include "shared/sys/process.h"
#include "shared/sys/starting_command.h"

namespace wg4 {
namespace {

constexpr int our_failure = 125;

int complain(const Error& error, int status) {
  std::fprintf(stderr, "foreground_client: %s\n", error.message().c_str());
  return status;
}

Result<void> refuse() { return fail("refuse, as asked", EPERM, "Ask for something else"); }

Result<void> enter_new_pid_namespace() {
  if (unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0) return fail("make a PID namespace", errno);
  return {};
}

/// Takes the options from the front of `words`.
void read_options(std::span<char*>& words, CommandStart& request, std::vector<Foreground::Watch>& watches) {
  for (; !words.empty(); words = words.subspan(1)) {
    const std::string word = words.front();
    if (word == "--pid-namespace") {
      request.enters_pid_namespace = true;
      request.enter = enter_new_pid_namespace;
    } else if (word == "--fail=enter") {
      request.enter = refuse;
    } else if (word == "--fail=confine") {
      request.confine = refuse;
    } else if (word.starts_with("--watch=")) {
      watches.push_back({std::atoi(word.c_str() + std::strlen("--watch=")),
                         [] { static_cast<void>(std::fputs("foreground_client: readable\n", stderr)); }});
    } else {
      if (word == "--") words = words.subspan(1);
      return;
    }
  }
}

int run(std::span<char*> words) {
  auto foreground = Foreground::prepare();
  if (!foreground) return complain(foreground.error(), our_failure);
  CommandStart request;
  std::vector<Foreground::Watch> watches;
  read_options(words, request, watches);
  request.arguments.assign(words.begin(), words.end());
  request.environment = own_environment();
  if (const auto started = foreground->start(request); !started) return complain(started.error(), our_failure);
  const auto end = foreground->wait(watches);
  if (!end) return complain(end.error(), our_failure);
  if (end->failure) return complain(*end->failure, end->status.value);
  return foreground->end_as(end->status);
}

}  // namespace
}  // namespace wg4

int main(int argc, char** argv) { return wg4::run(std::span(argv + 1, static_cast<std::size_t>(argc - 1))); }
