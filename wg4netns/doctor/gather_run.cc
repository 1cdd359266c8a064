#include "wg4netns/doctor/gather_run.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <utility>

#include "netns-helper/container/mounts/mounts.h"
#include "netns-helper/container/own_etc.h"
#include "netns-helper/container/own_run.h"
#include "shared/base/result.h"
#include "shared/sys/fd_pass.h"
#include "shared/sys/landlock.h"
#include "shared/sys/own_folder.h"
#include "shared/sys/own_namespaces.h"
#include "shared/sys/process.h"
#include "shared/wire/message_socket.h"
#include "wg4netns/doctor/view_facts.h"

namespace wg4::doctor {
namespace {

/// As the keeper of a tunnel does it. The files in /proc by which it maps its ids are this user's only if the process
/// may be looked into.
Result<void> make_view() {
  if (prctl(PR_SET_DUMPABLE, 1) != 0) return fail("open this process to its user", errno);
  TRY(make_own_namespaces_as_same_user(CLONE_NEWNET | CLONE_NEWNS, "make namespaces for a command"));
  TRY(container::keep_mounts_here());
  const auto files = TRY(container::make_name_files({}));
  const auto etc = TRY(container::OwnEtc::create(files));
  TRY(container::mount_own_run({}));  // without the runtime folder, in which it would make what is to be hidden
  return {};
}

ViewFacts try_view() {
  ViewFacts facts{.tried = true};
  if (auto made = make_view(); !made) facts.refused = std::move(made).error();
  return facts;
}

void gather_view(HostFacts& facts) {
  auto sockets = make_message_sockets();
  if (!sockets || facts.namespaces_error != 0) return;
  const std::array fds{sockets->theirs.get()};
  const auto child =
      Child::fork(fds, [&] { return wire::send(sockets->theirs.get(), try_view()) ? EXIT_SUCCESS : EXIT_FAILURE; });
  sockets->theirs.reset();
  if (!child) return;
  auto told = wire::receive<ViewFacts>(sockets->ours.get());
  if (told && *told) facts.view = std::move((*told)->message);
}

RuntimeFolder look_at_runtime_folder() {
  RuntimeFolder folder;
  const auto folders = runtime_folders();
  if (folders.empty()) return folder;
  folder.path = folders.front();
  struct stat info{};
  errno = 0;
  const bool found = stat(folder.path.c_str(), &info) == 0;
  folder.own = info.st_uid == geteuid();
  if (found && !S_ISDIR(info.st_mode))
    folder.error = ENOTDIR;
  else if (!found || (folder.own && access(folder.path.c_str(), W_OK | X_OK) != 0))
    folder.error = errno;
  return folder;
}

}  // namespace

void gather_run_facts(HostFacts& facts) {
  gather_view(facts);
  facts.runtime_folder = look_at_runtime_folder();
  facts.signal_scope = can_scope_signals();
}

}  // namespace wg4::doctor
