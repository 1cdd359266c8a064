#include "shared/sys/namespaces.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <optional>
#include <string_view>
#include <system_error>

namespace wg4 {
namespace {

constexpr std::string_view own_namespace_hint = "Use a network namespace of your own (unshare -Urn makes one)";

Result<UniqueFd> open_own(const std::string& kind) {
  const std::string path = "/proc/self/ns/" + kind;
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return fail("open " + path, errno, "Mount /proc");
  return fd;
}

std::string hint_for_no_namespace(int fd) {
  struct stat status{};
  // The names made by Podman and ip-netns are empty files where the mounts on them are not visible.
  if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == 0)
    return "It is an empty file: the namespace was mounted on it where you cannot see it. If podman made it, run this "
           "inside 'podman unshare'";
  return "Give the path of a namespace file, such as /proc/PID/ns/net or /run/netns/NAME";
}

Result<UniqueFd> open_of_type(const std::string& path, int type, const std::string& type_name) {
  // O_NONBLOCK: the path may lead to a FIFO.
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) return fail("open the " + type_name + " namespace " + path, errno);
  const int found = ioctl(fd.get(), NS_GET_NSTYPE);
  if (found < 0) return fail(path + " is not a " + type_name + " namespace", 0, hint_for_no_namespace(fd.get()));
  if (found != type) return fail(path + " is a namespace of another kind, not a " + type_name + " namespace");
  return fd;
}

/// The uid, as this process sees it, of the user namespace's owner.
std::optional<uid_t> owner_uid(int userns) {
  uid_t uid = 0;
  if (ioctl(userns, NS_GET_OWNER_UID, &uid) != 0) return std::nullopt;
  return uid;
}

std::string hint_for_foreign_userns(int userns) {
  const auto owner = owner_uid(userns);
  if (owner == 0 && geteuid() != 0) return "It belongs to root. " + std::string(own_namespace_hint);
  if (owner && *owner != geteuid())
    return "It belongs to uid " + std::to_string(*owner) + " and you are uid " + std::to_string(geteuid()) +
           ": run this as that user";
  if (std::string why = userns_restriction(); !why.empty()) return why;
  return std::string(own_namespace_hint);
}

Result<void> enter_userns(const TargetNamespaces& target) {
  const UniqueFd own = TRY(open_own("user"));
  if (TRY(same_namespace(own.get(), target.user.get()))) return {};  // setns would say EINVAL
  if (setns(target.user.get(), CLONE_NEWUSER) == 0) return {};
  const int number = errno;
  return fail("join the user namespace of " + target.name, number,
              number == EPERM ? hint_for_foreign_userns(target.user.get()) : "");
}

Result<void> enter_netns(const TargetNamespaces& target) {
  const UniqueFd own = TRY(open_own("net"));
  if (setns(target.net.get(), CLONE_NEWNET) == 0) return {};
  const int number = errno;
  const std::string what = "join the network namespace of " + target.name;
  if (number != EPERM) return fail(what, number);
  if (TRY(same_namespace(own.get(), target.net.get())))
    return fail(what, number, "This program runs in it, and has no rights there. " + std::string(own_namespace_hint));
  return fail(what, number,
              "Your user namespace owns it and you have no rights there. " + std::string(own_namespace_hint));
}

/// A sysctl that holds one number.
std::optional<long> read_number(const std::string& path) {
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 32> text{};
  const ssize_t size = file.valid() ? read(file.get(), text.data(), text.size()) : -1;
  if (size <= 0) return std::nullopt;
  long number = 0;
  if (std::from_chars(text.data(), text.data() + size, number).ec != std::errc{}) return std::nullopt;
  return number;
}

}  // namespace

Result<UniqueFd> open_netns(pid_t pid) {
  const std::string process = "process " + std::to_string(pid);
  const std::string path = "/proc/" + std::to_string(pid) + "/ns/net";
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.valid()) return fd;
  if (errno == ENOENT)
    return fail("there is no live " + process, 0, "Give the PID, as seen from here, of a process in the namespace");
  if (errno == EACCES)
    return fail("open the network namespace of " + process, errno,
                "It belongs to another user, or to a user namespace that you are not in: run this there, as its owner");
  return fail("open " + path, errno);
}

Result<UniqueFd> open_netns(const std::string& path) { return open_of_type(path, CLONE_NEWNET, "network"); }

Result<UniqueFd> open_userns(const std::string& path) { return open_of_type(path, CLONE_NEWUSER, "user"); }

Result<UniqueFd> owning_userns(int netns) {
  UniqueFd fd(ioctl(netns, NS_GET_USERNS));
  if (fd.valid()) return fd;
  const int number = errno;
  return fail("find the user namespace that owns the network namespace", number,
              number == EPERM ? "It lies outside of the user namespace that this runs in: run this outside of it" : "");
}

Result<bool> same_namespace(int left, int right) {
  struct stat one{};
  struct stat other{};
  if (fstat(left, &one) != 0 || fstat(right, &other) != 0) return fail("stat a namespace", errno);
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

Result<void> enter(const TargetNamespaces& target) {
  TRY(enter_userns(target));
  TRY(enter_netns(target));
  return {};
}

uid_t outer_uid() {
  const uid_t own = getuid();
  std::ifstream map("/proc/self/uid_map");
  for (uid_t inside = 0, outside = 0, count = 0; map >> inside >> outside >> count;)
    if (own >= inside && own - inside < count) return outside + (own - inside);
  return own;
}

std::string userns_restriction(const std::string& proc_sys) {
  if (read_number(proc_sys + "/kernel/unprivileged_userns_clone") == 0)
    return "This host forbids user namespaces to ordinary users. As root: sysctl -w kernel.unprivileged_userns_clone=1";
  if (read_number(proc_sys + "/user/max_user_namespaces") == 0)
    return "This host allows no user namespaces. As root: sysctl -w user.max_user_namespaces=15000";
  if (read_number(proc_sys + "/kernel/apparmor_restrict_unprivileged_userns").value_or(0) > 0)
    return "AppArmor takes the rights in user namespaces from ordinary programs on this host. As root: "
           "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or give the program a profile that allows "
           "'userns'";
  return {};
}

}  // namespace wg4
