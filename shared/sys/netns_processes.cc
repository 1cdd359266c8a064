#include "shared/sys/netns_processes.h"

#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>
#include <utility>

#include "shared/sys/process.h"

namespace wg4 {

Result<NetnsProcesses> NetnsProcesses::of(int netns, pid_t except) {
  Listing proc(opendir("/proc"), closedir);
  if (!proc) return fail("open /proc", errno, "It is where wireguard4netns looks for the processes of a namespace");
  struct stat info{};
  if (fstat(netns, &info) < 0) return fail("look at a network namespace", errno);
  return NetnsProcesses(std::move(proc), info.st_dev, info.st_ino, except);
}

bool NetnsProcesses::is_inside(const char* pid) const {
  struct stat info{};
  return fstatat(fd(), (std::string(pid) + "/ns/net").c_str(), &info, 0) == 0 && info.st_dev == device_ &&
         info.st_ino == inode_;
}

void NetnsProcesses::each(const std::function<bool(pid_t, UniqueFd)>& found) const {
  rewinddir(proc_.get());
  while (const dirent* entry = readdir(proc_.get())) {
    const char* name = entry->d_name;
    pid_t pid = 0;
    const char* end = name + std::strlen(name);
    if (std::from_chars(name, end, pid).ptr != end || pid == except_) continue;
    if (!is_inside(name)) continue;
    UniqueFd pidfd = open_pidfd(pid);
    // Looked at again: the pidfd may be of a later process with the same PID.
    if (!pidfd.valid() || !is_inside(name) || process_has_ended(pidfd.get())) continue;
    if (!found(pid, std::move(pidfd))) return;
  }
}

UniqueFd NetnsProcesses::find_one() const {
  UniqueFd one;
  each([&](pid_t, UniqueFd pidfd) {
    one = std::move(pidfd);
    return false;
  });
  return one;
}

std::vector<pid_t> NetnsProcesses::all() const {
  std::vector<pid_t> pids;
  each([&](pid_t pid, UniqueFd) {
    pids.push_back(pid);
    return true;
  });
  return pids;
}

}  // namespace wg4
