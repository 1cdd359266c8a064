#include "wg4netns/daemon/target.h"

#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <system_error>
#include <utility>

#include "shared/sys/netns_watch.h"
#include "shared/sys/process.h"

namespace wg4 {
namespace {

/// The PID that a target means, nothing for a path.
Result<std::optional<pid_t>> target_pid(const AttachCommand& command) {
  const std::string& target = command.target;
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(target.data(), target.data() + target.size(), pid);
  const bool is_number = error == std::errc{} && end == target.data() + target.size() && pid > 0;
  if (command.target_type == TargetType::path || (command.target_type == TargetType::guess && !is_number))
    return std::nullopt;
  if (!is_number)
    return fail("'" + target + "' is not a process id", 0, "For the path of a namespace use --netns-type=path");
  return pid;
}

Result<UniqueFd> open_process(pid_t pid) {
  UniqueFd fd = open_pidfd(pid);
  if (fd.valid()) return fd;
  const int number = errno;
  const std::string name = "process " + std::to_string(pid);
  if (number == ESRCH)
    return fail("there is no live " + name, 0, "Give the PID, as seen from here, of a process in the namespace");
  return fail("watch " + name, number, "Is it still running?");
}

Result<void> expect_another_network(const TargetNamespaces& target) {
  const UniqueFd own = TRY(open_netns(getpid()));
  if (!TRY(same_namespace(own.get(), target.net.get()))) return {};
  return fail(
      "the network of " + target.name + " is the one that this program itself is in", 0,
      "All programs in it would use the tunnel. Use a network namespace of your own (unshare -Urn makes one; for a "
      "container --network none), or see wireguard4netns-interface(1)");
}

std::string name_of(const AttachCommand& command, bool is_process) {
  if (!command.target_name.empty()) return command.target_name;
  if (is_process) return "process " + command.target;
  return command.tunnel.configured_by_wg ? "this namespace" : command.target;
}

}  // namespace

Result<Target> open_target(const AttachCommand& command) {
  Target target;
  const auto pid = TRY(target_pid(command));
  target.is_process = pid.has_value();
  target.pid = pid.value_or(0);
  target.namespaces.name = name_of(command, pid.has_value());
  // The process first, then its namespace: if the process is still there afterwards, the namespace is its own.
  const auto process = pid || !command.until_given_up ? pid : pid_of_path(command.target);
  if (process) target.process = TRY(open_process(*process));
  target.namespaces.net = pid ? TRY(open_netns(*pid)) : TRY(open_netns(command.target));
  if (process && process_has_ended(target.process.get()))
    return fail("process " + std::to_string(*process) + " has just ended");
  // Before its owner is asked for: that of our own network may be out of sight.
  if (!command.tunnel.configured_by_wg) TRY(expect_another_network(target.namespaces));
  target.namespaces.user =
      command.userns_path ? TRY(open_userns(*command.userns_path)) : TRY(owning_userns(target.namespaces.net.get()));
  return target;
}

}  // namespace wg4
