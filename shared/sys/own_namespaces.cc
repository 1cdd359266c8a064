#include "shared/sys/own_namespaces.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "shared/base/unique_fd.h"
#include "shared/sys/namespaces.h"

namespace wg4 {
namespace {

/// Which limits on the number of namespaces the kernel may mean by ENOSPC.
std::string limits_on(int kinds) {
  constexpr std::array<std::pair<int, const char*>, 4> names{
      {{CLONE_NEWUSER, "user"}, {CLONE_NEWNS, "mnt"}, {CLONE_NEWNET, "net"}, {CLONE_NEWPID, "pid"}}};
  std::string sysctls;
  for (const auto& [kind, name] : names)
    if ((kinds & kind) != 0) sysctls += std::string(" user.max_") + name + "_namespaces";
  return "A limit on the number of namespaces is reached: see sysctl" + sysctls;
}

}  // namespace

Result<void> make_own_namespaces(int kinds, const std::string& purpose) {
  if (unshare(kinds) == 0) return {};
  const int number = errno;
  std::string why = userns_restriction();
  if (why.empty() && number == ENOSPC) why = limits_on(kinds);
  return fail(purpose, number, std::move(why));
}

Result<void> make_own_namespaces_as_same_user(int kinds, const std::string& purpose) {
  // In the new namespace nobody is anybody, until the maps are written.
  const std::string uid = std::to_string(geteuid());
  const std::string gid = std::to_string(getegid());
  TRY(make_own_namespaces(CLONE_NEWUSER | kinds, purpose));
  TRY(write_proc_file("/proc/self/uid_map", uid + " " + uid + " 1"));
  TRY(write_proc_file("/proc/self/setgroups", "deny"));
  return write_proc_file("/proc/self/gid_map", gid + " " + gid + " 1");
}

Result<void> write_proc_file(const std::string& path, std::string_view text) {
  const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid() || write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return fail("write " + path, errno);
  return {};
}

Result<void> make_mounts_private() {
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return fail("make all mounts private", errno);
  return {};
}

}  // namespace wg4
