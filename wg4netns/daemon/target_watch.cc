#include "wg4netns/daemon/target_watch.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "shared/sys/pipe.h"
#include "shared/sys/process.h"
#include "wg4netns/daemon/sandbox.h"

namespace wg4 {
namespace {

/// False if it is the program that ends, whose end of a pipe `program` is: as nobody it could not take root's processes
/// along.
bool wait_for_end(int pidfd, int program) {
  std::array<pollfd, 2> entries{{{pidfd, POLLIN, 0}, {program, POLLIN, 0}}};
  while (poll(entries.data(), entries.size(), -1) < 0 && errno == EINTR) {
  }
  return entries[1].revents == 0;
}

using Listing = std::unique_ptr<DIR, int (*)(DIR*)>;

/// The processes of one network namespace, as seen from /proc. Nothing is opened for that: the filter would have to
/// leave all files.
class NamespaceProcesses {
 public:
  NamespaceProcesses(Listing proc, dev_t device, ino_t inode, pid_t host)
      : proc_(std::move(proc)), device_(device), inode_(inode), host_(host) {}

  /// The pidfd of one of them, not the program's; invalid when there is none, or none that we may see. Our other
  /// processes are none that anybody may see, from early on (PR_SET_DUMPABLE).
  [[nodiscard]] UniqueFd find() const {
    rewinddir(proc_.get());
    while (const dirent* entry = readdir(proc_.get())) {
      pid_t pid = 0;
      const char* end = entry->d_name + std::strlen(entry->d_name);
      if (std::from_chars(entry->d_name, end, pid).ptr != end || pid == host_) continue;
      UniqueFd pidfd = open_pidfd(pid);
      // The descriptor first, then the look: so the look cannot be at a later process with the same number.
      if (pidfd.valid() && is_inside(entry->d_name) && !process_has_ended(pidfd.get())) return pidfd;
    }
    return {};
  }

 private:
  [[nodiscard]] bool is_inside(const char* pid) const {
    struct stat info{};
    const int proc = dirfd(proc_.get());
    return proc >= 0 && fstatat(proc, (std::string(pid) + "/ns/net").c_str(), &info, 0) == 0 &&
           info.st_dev == device_ && info.st_ino == inode_;
  }

  Listing proc_;
  dev_t device_;
  ino_t inode_;
  pid_t host_;
};

}  // namespace

Result<TargetWatch> TargetWatch::create(UniqueFd process, int netns, bool sandboxed) {
  Listing proc(opendir("/proc"), closedir);
  if (!proc) return fail("open /proc", errno, "This program needs it to follow the target's processes");
  struct stat info{};
  if (fstat(netns, &info) < 0) return fail("look at the target's network namespace", errno);
  Pipe program = TRY(make_pipe());
  const std::array kept{dirfd(proc.get()), process.get(), program.reader.get()};
  const NamespaceProcesses processes(std::move(proc), info.st_dev, info.st_ino, getpid());
  Child watcher = TRY(Child::fork(kept, [&] {
    prctl(PR_SET_NAME, "wg4netns-watch");
    if (!confine_watcher(sandboxed)) return EXIT_FAILURE;
    for (; process.valid(); process = processes.find())
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
