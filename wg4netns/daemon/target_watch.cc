#include "wg4netns/daemon/target_watch.h"

#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <string>
#include <utility>

#include "shared/sys/netns_processes.h"
#include "shared/sys/pipe.h"
#include "shared/sys/process.h"
#include "wg4netns/daemon/sandbox.h"

namespace wg4 {
namespace {

/// Waits for the end of the process, or of the program, for which it returns false. The latter ends its pipe to
/// `program`: as the user nobody it could not end a process of root.
bool wait_for_end(int pidfd, int program) {
  std::array<pollfd, 2> entries{{{pidfd, POLLIN, 0}, {program, POLLIN, 0}}};
  while (poll(entries.data(), entries.size(), -1) < 0 && errno == EINTR) {
  }
  return entries[1].revents == 0;
}

}  // namespace

Result<TargetWatch> TargetWatch::create(UniqueFd process, int netns, bool sandboxed) {
  // Our other processes are none that anybody may see, from early on (PR_SET_DUMPABLE).
  const auto processes = TRY(NetnsProcesses::of(netns, getpid()));
  Pipe program = TRY(make_pipe());
  const std::array kept{processes.fd(), process.get(), program.reader.get()};
  Child watcher = TRY(Child::fork(kept, [&] {
    prctl(PR_SET_NAME, "wg4netns-watch");
    if (!confine_watcher(sandboxed)) return EXIT_FAILURE;
    for (; process.valid(); process = processes.find_one())
      if (!wait_for_end(process.get(), program.reader.get())) break;
    return EXIT_SUCCESS;
  }));
  return TargetWatch(std::move(watcher), std::move(program.writer));
}

Result<void> TargetWatch::end() {
  const auto status = TRY(watcher_.wait(std::chrono::seconds(1)));
  if (status && status->success()) return {};
  return fail("the process that watches for the namespace's end " +
              (status ? status->to_string() : std::string("does not end")));
}

}  // namespace wg4
