#include "netns-helper/container/init.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "netns-helper/container/channel.h"
#include "netns-helper/container/command_process.h"
#include "netns-helper/container/command_rights.h"
#include "netns-helper/container/container.h"
#include "netns-helper/container/mounts/mounts.h"
#include "netns-helper/container/new_root.h"
#include "netns-helper/container/setup.h"
#include "netns-helper/container/supervision.h"
#include "shared/base/result.h"
#include "shared/sys/deadline.h"
#include "shared/sys/foreground.h"
#include "shared/sys/landlock.h"
#include "shared/sys/netlink.h"
#include "shared/sys/process.h"
#include "shared/sys/signals.h"

namespace wg4::container {
namespace {

constexpr std::chrono::seconds time_for_set_up{5};
constexpr int our_failure = 125;

/// The starter has mapped the ids by now, and needed this process to be dumpable for that. Nobody else needs it: from
/// here on the command's ids give no right to look into this process, or at the files that it has open.
Result<void> take_ids(const SetUp& set_up) {
  if (geteuid() != set_up.uid || getegid() != set_up.gid)
    return fail("be user " + std::to_string(set_up.uid) + " and group " + std::to_string(set_up.gid) +
                " in the container: this process is " + std::to_string(geteuid()) + " and " +
                std::to_string(getegid()));
  return forbid_looking_in();
}

/// Must not be the host's: the UTS namespace is the container's.
Result<void> name_host(const SetUp& set_up) {
  const std::string& name = set_up.container.hostname;
  if (!name.empty() && sethostname(name.data(), name.size()) != 0) return fail("set the host name " + name, errno);
  return {};
}

/// A new network has lo alone, and that is down. Must not touch another one, which its owner configures.
Result<void> bring_up_loopback(const SetUp& set_up) {
  if (!set_up.new_network) return {};
  Netlink netlink = TRY(Netlink::open());
  const auto loopback = TRY(netlink.link("lo"));
  return loopback ? netlink.bring_up(*loopback) : Result<void>{};
}

/// Early operations, the pivot to a tmpfs, the operations in their order, and the end of the old root. Needs all
/// capabilities, and the mounts kept here; afterwards no path leads to the host but by what the operations show.
Result<void> make_root(const SetUp& set_up) {
  return enter_new_root({.operations = set_up.container.operations, .parent_mode = set_up.container.parent_mode});
}

/// Must be last of all that needs a right. Ambient, bounding, inheritable, permitted: nothing is left but what the
/// caller has asked for, and no user id brings it back.
Result<void> give_up_capabilities(const SetUp& set_up) {
  return keep_capabilities_for_programs(kept_capabilities(set_up.container));
}

/// The order. (The namespaces are made already: user, pid, mount, ipc, uts, cgroup, net.) The filters of system calls
/// and the command's own Landlock domain come after it, in the command's process: they are for the command, and this
/// one has still to reap and to signal.
Result<void> make_container(const SetUp& set_up) {
  TRY(give_up_gains(set_up.container));  // first, so that it holds for all that follows; it touches no file
  TRY(take_ids(set_up));
  TRY(name_host(set_up));
  TRY(bring_up_loopback(set_up));
  TRY(keep_mounts_here());
  TRY(make_root(set_up));
  return give_up_capabilities(set_up);
}

/// Kills this process when the starter ends, from now on; false if it has ended.
bool die_with_starter(int socket) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  pollfd entry{socket, 0, 0};
  return poll(&entry, 1, 0) == 0;
}

/// Nothing if the starter has ended. It may take its time before it sends, and then must not.
Result<std::optional<SetUp>> receive_set_up(int socket) {
  std::ignore = TRY(wait_until(socket, POLLIN, no_deadline));
  return receive<SetUp>(socket, deadline_in(time_for_set_up));
}

int fail_to_start(int socket, const Failure& failure) {
  std::ignore = send(socket, failure, deadline_in(time_for_set_up));
  return failure.status;
}

/// All others are the command's alone: a program that waits for their end does not wait for this process.
void keep_only(int socket, const SignalFd& signals) {
  for (int stream = 0; stream <= STDERR_FILENO; ++stream) close(stream);
  close_others(std::array{socket, signals.fd()});
}

/// The command takes the place of this process.
int become_command(const SetUp& set_up, int socket) {
  if (!send(socket, Started{}, deadline_in(time_for_set_up))) return our_failure;
  const Failure failure = run_command(set_up, {&socket});
  return fail_to_start(socket, failure);
}

int run_with_command(const SetUp& set_up, int socket, SignalFd signals) {
  const auto command = start_command(set_up, socket);
  if (!command) return fail_to_start(socket, {command.error(), our_failure});
  if (command->failure_status) return *command->failure_status;  // its process has told why
  if (const auto told = send(socket, Started{}, deadline_in(time_for_set_up)); !told) return our_failure;
  keep_only(socket, signals);
  const Ending ending = supervise({.command = command->pid, .starter = socket, .set_up = set_up}, signals);
  std::ignore = send(socket, Ended{ending}, deadline_in(time_for_set_up));
  return shell_status(ending.status);
}

}  // namespace

bool has_starter(int socket) {
  int type = 0;
  socklen_t size = sizeof type;
  return getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

int run_init(int socket) {
  if (!die_with_starter(socket)) return our_failure;
  prctl(PR_SET_NAME, "wg4netns-container");  // run from memory, or as /proc/self/exe, it has another one
  sigset_t all;
  sigfillset(&all);
  auto signals = SignalFd::create(all);
  if (!signals) return fail_to_start(socket, {signals.error(), our_failure});
  const auto set_up = receive_set_up(socket);
  if (!set_up) return fail_to_start(socket, {set_up.error(), our_failure});
  if (!*set_up) return our_failure;  // nobody is left to work for
  if (const auto made = make_container(**set_up); !made) return fail_to_start(socket, {made.error(), our_failure});
  if ((*set_up)->container.as_pid_1) return become_command(**set_up, socket);
  return run_with_command(**set_up, socket, *std::move(signals));
}

}  // namespace wg4::container
