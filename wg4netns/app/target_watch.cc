#include "wg4netns/app/target_watch.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <string>

namespace wg4 {
namespace {

UniqueFd open_pidfd(pid_t pid) { return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))); }

bool has_ended(int pidfd) {
  pollfd entry{pidfd, POLLIN, 0};
  return poll(&entry, 1, 0) > 0;
}

}  // namespace

Result<TargetWatch> TargetWatch::create(pid_t pid) {
  UniqueFd proc(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!proc.valid()) return fail("open /proc", errno, "This program needs it to follow process " + std::to_string(pid));
  UniqueFd pidfd = open_pidfd(pid);
  if (!pidfd.valid()) return fail("watch process " + std::to_string(pid), errno, "Is it still running?");
  struct stat info{};
  if (fstatat(proc.get(), (std::to_string(pid) + "/ns/net").c_str(), &info, 0) < 0)
    return fail("find the network namespace of process " + std::to_string(pid), errno,
                "It belongs to another user, or to a user namespace that you are not in: run this there, or as root");
  return TargetWatch(std::move(proc), std::move(pidfd), info.st_dev, info.st_ino);
}

bool TargetWatch::is_inside(const char* pid) const {
  struct stat info{};
  return fstatat(proc_.get(), (std::string(pid) + "/ns/net").c_str(), &info, 0) == 0 && info.st_dev == device_ &&
         info.st_ino == inode_;
}

bool TargetWatch::find_other() {
  // A descriptor of its own, so that each search starts at the beginning.
  const int listing = openat(proc_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (listing < 0) return false;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(fdopendir(listing), closedir);
  while (const dirent* entry = readdir(directory.get())) {
    pid_t pid = 0;
    const char* end = entry->d_name + std::strlen(entry->d_name);
    if (std::from_chars(entry->d_name, end, pid).ptr != end || pid == getpid() || pid == disregarded_) continue;
    UniqueFd pidfd = open_pidfd(pid);
    // The descriptor first, then the look: so the look cannot be at a later process with the same number.
    if (!pidfd.valid() || !is_inside(entry->d_name) || has_ended(pidfd.get())) continue;
    pidfd_ = std::move(pidfd);
    return true;
  }
  return false;
}

}  // namespace wg4
