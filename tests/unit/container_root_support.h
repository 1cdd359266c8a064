#pragma once
// A new root to look around in: made of operations in a process of its own, from a host that is made for the test, by
// an ordinary user, too, and on kernels that lack some calls.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "netns-helper/container/mounts/mounts.h"
#include "netns-helper/container/new_root.h"
#include "netns-helper/container/operations/operation.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/own_namespaces.h"
#include "tests/support/in_child.h"
#include "tests/support/machine.h"
#include "tests/unit/container_support.h"

namespace wg4::container {

/// Calls that a kernel lacks, and since when it has them.
struct Lacking {
  const char* description;
  std::vector<int> calls;
};

inline const std::vector<Lacking>& kernels() {
  static const std::vector<Lacking> kernels{{"this kernel", {}},
                                            {"a kernel before Linux 5.12", {SCMP_SYS(mount_setattr)}},
                                            {"a kernel before Linux 5.2",
                                             {SCMP_SYS(mount_setattr), SCMP_SYS(open_tree), SCMP_SYS(move_mount),
                                              SCMP_SYS(fsopen), SCMP_SYS(fsconfig), SCMP_SYS(fsmount)}}};
  return kernels;
}

/// From now on this process has a kernel without these calls.
inline bool forget(const std::vector<int>& calls) {
  if (calls.empty()) return true;
  const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  bool done = filter != nullptr;
  for (const int call : calls) done = done && seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), call, 0) == 0;
  done = done && seccomp_load(filter) == 0;
  seccomp_release(filter);
  return done;
}

/// What a test does with a new root: `furnish` puts sources below /tmp on the host; `inspect` looks at what has come of
/// it. It runs inside, or, after an error, where the process was before. The host's /tmp is open to both.
struct Trial {
  NewRoot root;
  std::function<void(HostFolder&)> furnish = [](HostFolder&) {};
  std::function<void(Findings&, const Result<void>&, const HostFolder&)> inspect;
  int namespaces = CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWNET;  ///< beside user and mounts
};

/// The life of the process in the new root, and of its parents.
inline int try_new_root(const Trial& trial, const Lacking& kernel, uid_t user, int findings_writer) {
  if (!become(user)) return 2;
  if (!make_own_namespaces_as_same_user(CLONE_NEWNS, "") || !make_mounts_private()) return 3;
  HostFolder host("/tmp");
  if (!host.valid()) return 4;
  trial.furnish(host);
  const auto go_inside = [&] {
    if (!forget(kernel.calls)) return 6;
    Findings findings;
    trial.inspect(findings, enter_new_root(trial.root), host);
    const std::string text = findings.text().substr(0, 4000);  // what a pipe takes without a reader
    return write(findings_writer, text.data(), text.size()) == std::ssize(text) ? 0 : 7;
  };
  // This process stays on the host, and the next one is in its PID namespace with its children only.
  return exit_status(in_child([&] {
    if (!make_own_namespaces_as_same_user(CLONE_NEWNS | trial.namespaces, "")) return 5;
    return exit_status(in_child(go_inside));
  }));
}

inline void try_out(const Trial& trial) {
  if (*no_fake_host() != '\0') return say_skipped(no_fake_host());
  constexpr uid_t some_user = 12345;
  std::vector<uid_t> users{as_is};
  if (geteuid() == 0) users.push_back(some_user);
  for (const uid_t user : users) {
    for (const Lacking& kernel : kernels()) {
      CAPTURE(user);
      CAPTURE(std::string(kernel.description));
      std::array<int, 2> ends{};
      REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
      const UniqueFd reader(ends[0]);
      UniqueFd writer(ends[1]);
      const int status = in_child([&] { return try_new_root(trial, kernel, user, writer.get()); });
      writer.reset();
      std::array<char, 4096> found{};
      const ssize_t size = read(reader.get(), found.data(), found.size());
      CHECK(exit_status(status) == 0);
      CHECK(std::string(found.data(), size > 0 ? static_cast<std::size_t>(size) : 0) == "");
    }
  }
}

/// The same for a root that can be made: `inspect` runs inside.
inline void look_around(std::vector<Operation> operations, const std::function<void(HostFolder&)>& furnish,
                        const std::function<void(Findings&, const HostFolder&)>& inspect) {
  try_out({.root = {.operations = std::move(operations)},
           .furnish = furnish,
           .inspect = [&inspect](Findings& findings, const Result<void>& entered, const HostFolder& host) {
             if (findings.expect(entered)) inspect(findings, host);
           }});
}

/// The same for one that cannot be made: the sentence of its error has all of these words, and nothing of the new root
/// is left where the process was.
inline void expect_refused(std::vector<Operation> operations, const std::function<void(HostFolder&)>& furnish,
                           const std::vector<std::string>& words) {
  try_out({.root = {.operations = std::move(operations)},
           .furnish = furnish,
           .inspect = [&words](Findings& findings, const Result<void>& entered, const HostFolder&) {
             if (entered) return findings.expect(false, "it is made");
             for (const std::string& word : words)
               findings.expect(entered.error().message().contains(word),
                               "\"" + entered.error().message() + "\" has no \"" + word + "\"");
           }});
}

inline const std::function<void(HostFolder&)> no_sources = [](HostFolder&) {};

/// The errno of making a file in a folder; 0 if that is possible.
inline int try_to_write(const std::string& folder) {
  const UniqueFd made(open((folder + "/a file of a test").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  return made.valid() ? 0 : errno;
}

/// ST_RDONLY, ST_NOSUID, ... of what is mounted there.
inline unsigned long mount_flags(const std::string& path) {
  struct statvfs status{};
  return statvfs(path.c_str(), &status) == 0 ? status.f_flag : 0;
}

}  // namespace wg4::container
