#include "wg4netns/doctor/run_checks.h"

#include <cstring>
#include <string>
#include <utility>

#include "shared/base/result.h"

namespace wg4::doctor {
namespace {

CheckResult check_view(const HostFacts& host) {
  constexpr const char* name = "run-view";
  if (!host.view.tried) return {name, Verdict::note, "not tried, because of what is missing above"};
  if (host.view.refused.what.empty())
    return {name, Verdict::ok, "commands in a tunnel can have an /etc and a /run of their own"};
  Error refused = host.view.refused;
  std::string hint = std::exchange(refused.hint, "");
  if (hint.empty()) hint = host.namespaces_hint;
  if (hint.empty()) hint = "AppArmor, SELinux or a container's rules may forbid it: the kernel's log may say which";
  return {name, Verdict::note, "commands cannot run in a tunnel (run, up): " + refused.message(), hint};
}

CheckResult check_runtime_folder(const HostFacts& host) {
  constexpr const char* name = "runtime-folder";
  const RuntimeFolder& folder = host.runtime_folder;
  const std::string what_fails = ": commands cannot run in a tunnel (run, up), and show finds no tunnels";
  if (folder.path.empty())
    return {name, Verdict::note, "XDG_RUNTIME_DIR is not set to an absolute path" + what_fails,
            "A login session sets it: use one, or loginctl enable-linger; XDG_RUNTIME_DIR=/run/user/$(id -u)"};
  if (folder.error != 0)
    return {name, Verdict::note, "XDG_RUNTIME_DIR is " + folder.path + ", " + std::strerror(folder.error) + what_fails,
            "Set it to a folder of this user's that can be written to: a login session makes /run/user/$(id -u)"};
  if (!folder.own)
    return {name, Verdict::note, "XDG_RUNTIME_DIR is " + folder.path + ", which belongs to another user" + what_fails,
            "Set it to this user's: su and sudo keep that of the caller"};
  return {name, Verdict::ok, folder.path};
}

CheckResult check_signals(const HostFacts& host) {
  constexpr const char* name = "run-signals";
  if (host.signal_scope) return {name, Verdict::ok, "commands in a tunnel can signal only what they have started"};
  return {name, Verdict::note, "commands in a tunnel can signal other processes of this user, the tunnel too",
          "run --pid hides them. Landlock of Linux 6.12 and later forbids it, if the kernel's parameter lsm= names it"};
}

}  // namespace

Report check_run(const HostFacts& host) { return {check_view(host), check_runtime_folder(host), check_signals(host)}; }

}  // namespace wg4::doctor
