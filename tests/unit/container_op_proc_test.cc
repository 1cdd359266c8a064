#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <functional>
#include <string>

#include "netns-helper/container/operations/operation.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "tests/unit/container_root_support.h"
#include "tests/unit/container_support.h"

namespace wg4::container {
namespace {

TEST_CASE("/proc shows the processes of the own PID namespace, and lets nobody change the host") {
  look_around({Proc{}, Proc{.target = "/other/proc"}}, no_sources, [](Findings& findings, const HostFolder&) {
    for (const std::string path : {"/proc", "/other/proc"}) {
      findings.expect_equal(read_link(path + "/self"), std::string("1"), "this process");
      findings.expect(exists(path + "/1/status") && !exists(path + "/2"), "other processes are seen");
      constexpr unsigned long wanted = ST_NOSUID | ST_NODEV | ST_NOEXEC;
      findings.expect((mount_flags(path) & wanted) == wanted, "flags");
      for (const char* file : {"/sys/kernel/core_pattern", "/sysrq-trigger"})
        findings.expect(!UniqueFd(open((path + file).c_str(), O_WRONLY | O_CLOEXEC)).valid(),
                        path + file + " can be written to");
      findings.expect(UniqueFd(open((path + "/self/oom_score_adj").c_str(), O_WRONLY | O_CLOEXEC)).valid(),
                      "its own process cannot be changed");
    }
  });
}

void expect_refused_with(int namespaces, const std::function<void(HostFolder&)>& furnish, const std::string& words) {
  try_out({.root = {.operations = {Proc{}}},
           .furnish = furnish,
           .inspect =
               [&words](Findings& findings, const Result<void>& entered, const HostFolder&) {
                 if (entered) return findings.expect(false, "it is mounted");
                 const std::string said = entered.error().message();
                 findings.expect(said.contains("/proc: Operation not permitted") && said.contains(words), said);
               },
           .namespaces = namespaces});
}

TEST_CASE("where the kernel refuses a /proc, the error says why") {
  expect_refused_with(0, no_sources, "PID namespace that belongs to the same user namespace");
  const auto cover = [](HostFolder&) { need(mount("cover", "/proc/sys", "tmpfs", 0, "") == 0); };
  expect_refused_with(CLONE_NEWPID, cover, "covers parts of the host's");
}

}  // namespace
}  // namespace wg4::container
