#include "wg4netns/supervise/keeper_namespaces.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "netns-helper/container/userns_facts.h"
#include "shared/sys/own_namespaces.h"
#include "shared/sys/process.h"
#include "shared/wire/message_socket.h"

namespace wg4::keeper {
namespace {

Result<UniqueFd> open_own(const char* kind) {
  UniqueFd fd(open((std::string("/proc/self/ns/") + kind).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return fail(std::string("open the new namespace: ") + kind, errno);
  return fd;
}

/// No id has a meaning in the new namespace until the maker has mapped them. For that it writes to our files in /proc,
/// which are this user's only while the process is dumpable; its memory holds no secret.
Result<std::optional<IdsMapped>> make_user_namespace(int maker) {
  if (prctl(PR_SET_DUMPABLE, 1) != 0) return fail("open this process to its user", errno);
  if (unshare(CLONE_NEWUSER) != 0) return std::unexpected(container::userns_refused(errno));
  TRY(wire::send(maker, UserNamespaceMade{}));
  const auto ids = TRY(wire::receive<IdsMapped>(maker));
  if (!ids) return std::nullopt;
  if (setresgid(ids->message.gid, ids->message.gid, ids->message.gid) != 0 ||
      setresuid(ids->message.uid, ids->message.uid, ids->message.uid) != 0)
    return fail("take the ids of the new user namespace", errno);
  return ids->message;
}

/// The child is process 1 of the new PID namespace. Its parent, which knows its number out here, tells the maker.
void become_child(int maker, const Namespaces& made) {
  const pid_t child = fork();
  if (child == 0) return;
  if (child < 0) _exit(EXIT_FAILURE);
  UniqueFd pidfd = open_pidfd(child);
  std::array<UniqueFd, NamespacesMade::fds> fds{std::move(pidfd), UniqueFd(dup(made.user.get())),
                                                UniqueFd(dup(made.net.get()))};
  const bool told = wire::send(maker, NamespacesMade{static_cast<std::uint32_t>(child)}, fds).has_value();
  if (!told) kill(child, SIGKILL);
  _exit(told ? EXIT_SUCCESS : EXIT_FAILURE);
}

Result<void> tell_of_itself(int maker, const Namespaces& made) {
  std::array<UniqueFd, NamespacesMade::fds> fds{open_pidfd(getpid()), UniqueFd(dup(made.user.get())),
                                                UniqueFd(dup(made.net.get()))};
  return wire::send(maker, NamespacesMade{static_cast<std::uint32_t>(getpid())}, fds);
}

Result<std::vector<UniqueFd>> make_container_namespaces(const std::string& hostname) {
  TRY(make_own_namespaces(CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP,
                          "make the container's IPC, UTS and cgroup namespaces"));
  if (!hostname.empty() && sethostname(hostname.data(), hostname.size()) != 0)
    return fail("set the host name " + hostname, errno);
  std::vector<UniqueFd> made;
  for (const char* kind : {"ipc", "uts", "cgroup"}) made.push_back(TRY(open_own(kind)));
  return made;
}

/// ping(8) without rights needs it: the group may make ICMP sockets. Nobody depends on it.
void allow_ping(gid_t gid) {
  const UniqueFd file(open("/proc/sys/net/ipv4/ping_group_range", O_WRONLY | O_CLOEXEC));
  const std::string range = std::to_string(gid) + " " + std::to_string(gid);
  [[maybe_unused]] const ssize_t written = write(file.get(), range.data(), range.size());
}

}  // namespace

Result<std::optional<Namespaces>> make_namespaces(const Plan& plan, int maker) {
  Namespaces made;
  const auto ids = TRY(make_user_namespace(maker));
  if (!ids) return std::nullopt;
  made.ids = *ids;
  TRY(make_own_namespaces(CLONE_NEWNET | CLONE_NEWNS | (plan.own_pids ? CLONE_NEWPID : 0),
                          std::string("make the command's ") +
                              (plan.own_pids ? "network, mount and PID" : "network and mount") + " namespaces"));
  if (plan.container) made.others = TRY(make_container_namespaces(plan.container->hostname));
  allow_ping(made.ids.gid);
  made.user = TRY(open_own("user"));
  made.net = TRY(open_own("net"));
  made.mounts = TRY(open_own("mnt"));
  if (plan.own_pids) {
    become_child(maker, made);
    made.pids = TRY(open_own("pid"));
  } else {
    TRY(tell_of_itself(maker, made));
  }
  return made;
}

}  // namespace wg4::keeper
