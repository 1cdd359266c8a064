#include "wg4netns/app/target_watch.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "wg4netns/app/sandbox.h"

namespace wg4 {
namespace {

UniqueFd open_pidfd(pid_t pid) { return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))); }

bool has_ended(int pidfd) {
  pollfd entry{pidfd, POLLIN, 0};
  return poll(&entry, 1, 0) > 0;
}

void wait_for_end(int pidfd) {
  pollfd entry{pidfd, POLLIN, 0};
  while (poll(&entry, 1, -1) < 0 && errno == EINTR) {
  }
}

/// One network namespace, as seen from /proc.
class Occupants {
 public:
  Occupants(int proc, dev_t device, ino_t inode, pid_t host)
      : proc_(proc), device_(device), inode_(inode), host_(host) {}

  /// The pidfd of one of them, none of ours; invalid when there is none, or none that we may see.
  [[nodiscard]] UniqueFd find() const {
    // A descriptor of its own, so that each search starts at the beginning.
    const int listing = openat(proc_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (listing < 0) return {};
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(fdopendir(listing), closedir);
    while (const dirent* entry = readdir(directory.get())) {
      pid_t pid = 0;
      const char* end = entry->d_name + std::strlen(entry->d_name);
      if (std::from_chars(entry->d_name, end, pid).ptr != end) continue;
      UniqueFd pidfd = open_pidfd(pid);
      // The descriptor first, then the look: so the look cannot be at a later process with the same number.
      if (pidfd.valid() && is_inside(entry->d_name) && !is_ours(entry->d_name, pid) && !has_ended(pidfd.get()))
        return pidfd;
    }
    return {};
  }

 private:
  [[nodiscard]] bool is_inside(const char* pid) const {
    struct stat info{};
    return fstatat(proc_, (std::string(pid) + "/ns/net").c_str(), &info, 0) == 0 && info.st_dev == device_ &&
           info.st_ino == inode_;
  }

  /// The program itself or a child of it, this process among them.
  [[nodiscard]] bool is_ours(const char* name, pid_t pid) const {
    if (pid == host_) return true;
    const UniqueFd file(openat(proc_, (std::string(name) + "/stat").c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 512> text{};
    const ssize_t size = file.valid() ? read(file.get(), text.data(), text.size()) : -1;
    if (size <= 0) return false;
    // "PID (NAME) STATE PARENT ...", and a name may hold anything.
    std::string_view rest(text.data(), static_cast<std::size_t>(size));
    rest.remove_prefix(std::min(rest.rfind(") "), rest.size() - 1));
    constexpr std::size_t state_and_blanks = 4;
    if (rest.size() <= state_and_blanks) return false;
    pid_t parent = 0;
    std::from_chars(rest.data() + state_and_blanks, rest.data() + rest.size(), parent);
    return parent == host_;
  }

  int proc_;
  dev_t device_;
  ino_t inode_;
  pid_t host_;
};

}  // namespace

Result<TargetWatch> TargetWatch::create(UniqueFd process, int netns, bool sandboxed) {
  const UniqueFd proc(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!proc.valid()) return fail("open /proc", errno, "This program needs it to follow the target's processes");
  struct stat info{};
  if (fstat(netns, &info) < 0) return fail("look at the target's network namespace", errno);
  const Occupants occupants(proc.get(), info.st_dev, info.st_ino, getpid());
  const std::array kept{proc.get(), process.get()};
  return TargetWatch(TRY(Child::fork(kept, [&] {
    prctl(PR_SET_NAME, "wg4netns-watch");
    if (!confine_watcher(sandboxed)) return EXIT_FAILURE;
    for (; process.valid(); process = occupants.find()) wait_for_end(process.get());
    return EXIT_SUCCESS;
  })));
}

Result<void> TargetWatch::end() {
  const auto status = TRY(watcher_.wait(std::chrono::seconds(1)));
  if (status && status->success()) return {};
  return fail("the process that watches for the namespace's end " +
              (status ? status->to_string() : std::string("does not end")));
}

}  // namespace wg4
