#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <string>

#include "netns-helper/container/operations/operation.h"
#include "tests/unit/container_root_support.h"
#include "tests/unit/container_support.h"

namespace wg4::container {
namespace {

void furnish_remount(HostFolder& host) {
  host.folder("data/a sub");
  need(mount("sub", "/tmp/data/a sub", "tmpfs", MS_NOEXEC, "") == 0);
}

const Bind writable_data{.source = "/tmp/data", .target = "/data", .writable = true, .device = true};

TEST_CASE("one mount, or with those below it, refuses more than before") {
  look_around({writable_data, Remount{.target = "/data"}}, furnish_remount, [](Findings& findings, const HostFolder&) {
    findings.expect(try_to_write("/data") == EROFS, "it can be written to");
    findings.expect(try_to_write("/data/a sub") == 0, "what is below cannot be written to");
  });
  look_around({writable_data, Remount{.target = "/data", .no_device = true, .no_exec = true, .recursive = true}},
              furnish_remount, [](Findings& findings, const HostFolder&) {
                constexpr unsigned long wanted = ST_RDONLY | ST_NODEV | ST_NOEXEC | ST_NOSUID;
                for (const std::string path : {"/data", "/data/a sub"})
                  findings.expect((mount_flags(path) & wanted) == wanted, "flags of " + path);
              });
}

TEST_CASE("what a mount refuses already stays refused") {
  look_around(
      {Tmpfs{.target = "/x"}, Remount{.target = "/x"}, Remount{.target = "/x", .read_only = false, .no_exec = true}},
      no_sources, [](Findings& findings, const HostFolder&) {
        constexpr unsigned long wanted = ST_RDONLY | ST_NODEV | ST_NOEXEC | ST_NOSUID;
        findings.expect((mount_flags("/x") & wanted) == wanted, "flags");
      });
}

TEST_CASE("the root itself becomes read-only, and what is mounted in it does not") {
  look_around({Tmpfs{.target = "/tmp"}, Remount{.target = "/"}}, no_sources, [](Findings& findings, const HostFolder&) {
    findings.expect(try_to_write("/") == EROFS, "the root can be written to");
    findings.expect(try_to_write("/tmp") == 0, "/tmp cannot be written to");
  });
}

TEST_CASE("where nothing is mounted there is nothing to change") {
  expect_refused({Mkdir{.target = "/x"}, Remount{.target = "/x"}}, no_sources, {"nothing is mounted at /x"});
  expect_refused({Remount{.target = "/none"}}, no_sources, {"/none", "No such file"});
}

}  // namespace
}  // namespace wg4::container
