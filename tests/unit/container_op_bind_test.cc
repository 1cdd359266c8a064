#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "netns-helper/container/new_root.h"
#include "netns-helper/container/operations/operation.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/own_namespaces.h"
#include "tests/support/in_child.h"
#include "tests/support/machine.h"
#include "tests/unit/container_root_support.h"
#include "tests/unit/container_support.h"

namespace wg4::container {
namespace {

void furnish_bind(HostFolder& host) {
  host.file("data/text", "bound");
  host.file("data/sub/inner", "covered");
  host.folder("parent/own");
  need(mount("sub", "/tmp/data/sub", "tmpfs", 0, "mode=0755") == 0);
  host.file("data/sub/deep", "below");
}

TEST_CASE("a folder is shown with all that is mounted below, and nothing in it can be written") {
  look_around({Bind{.source = "/tmp/data", .target = "/a/b"}}, furnish_bind, [](Findings& findings, const HostFolder&) {
    findings.expect_equal(read_text("/a/b/text"), std::string("bound"), "a file");
    findings.expect(exists("/a/b/sub/deep"), "what is mounted below is not there");
    findings.expect(try_to_write("/a/b") == EROFS, "the folder can be written to");
    findings.expect(try_to_write("/a/b/sub") == EROFS, "what is mounted below can be written to");
    constexpr unsigned long wanted = ST_RDONLY | ST_NOSUID | ST_NODEV;
    findings.expect((mount_flags("/a/b") & wanted) == wanted, "flags");
    findings.expect((mount_flags("/a/b/sub") & wanted) == wanted, "flags of what is mounted below");
    findings.expect(mode_of("/a") == 0755, "the mode of a folder on the way");
  });
}

TEST_CASE("what is to be writable or a device is so, as far as it is for the host") {
  const auto furnish_locked = [](HostFolder& host) {
    furnish_bind(host);
    need(mount("/tmp/data", "/tmp/data", nullptr, MS_BIND, nullptr) == 0);
    need(mount(nullptr, "/tmp/data", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOEXEC, nullptr) == 0);
    host.folder("open");
  };
  look_around({Bind{.source = "/tmp/open", .target = "/open", .writable = true},
               Bind{.source = "/tmp/data", .target = "/data", .writable = true, .device = true},
               Bind{.source = "/dev", .target = "/dev", .device = true}},
              furnish_locked, [](Findings& findings, const HostFolder& host) {
                findings.expect(try_to_write("/open") == 0, "it cannot be written to");
                findings.expect(host.has("open/a file of a test"), "what is written is not on the host");
                findings.expect((mount_flags("/open") & ST_NODEV) != 0, "devices can be opened");
                findings.expect(try_to_write("/data") == EROFS, "what the host keeps read-only can be written to");
                findings.expect((mount_flags("/data") & ST_NOEXEC) != 0, "what the host forbids can be executed");
                findings.expect(UniqueFd(open("/dev/null", O_RDWR | O_CLOEXEC)).valid(), "no device");
              });
}

TEST_CASE("a file is shown over one that is made for it, and the host's root can be all of it") {
  look_around(
      {Bind{.source = "/", .target = "/"}, Bind{.source = "/tmp/data/text", .target = "/tmp/parent/own"}},
      [](HostFolder& host) {
        host.file("data/text", "bound");
        host.file("parent/own", "other");
      },
      [](Findings& findings, const HostFolder&) {
        findings.expect_equal(read_text("/tmp/parent/own"), std::string("bound"), "over a file");
        findings.expect_equal(read_text("/tmp/data/text"), std::string("bound"), "in the host's root");
        findings.expect(try_to_write("/") == EROFS, "the root can be written to");
        findings.expect(exists("/proc/self/status"), "what is mounted below / is not there");
        findings.expect(!exists("/hidden"), "the place is seen");
      });
  look_around({Bind{.source = "/tmp/data/text", .target = "/x/y"}}, furnish_bind,
              [](Findings& findings, const HostFolder&) {
                findings.expect_equal(read_text("/x/y"), std::string("bound"), "a file");
              });
}

TEST_CASE("what the host mounts later does not appear, where it could be written to") {
  // Both are on the host, and the source has mounts that are shared with it.
  if (*no_fake_host() != '\0') return say_skipped(no_fake_host());
  const auto trial = [](const Lacking& kernel) {
    if (!make_own_namespaces_as_same_user(CLONE_NEWNS, "") || !make_mounts_private()) return 2;
    HostFolder host("/tmp");
    host.folder("data/later");
    need(mount(nullptr, "/tmp", nullptr, MS_SHARED, nullptr) == 0);
    HostStep mounted([] { return mount("later", "/tmp/data/later", "tmpfs", 0, "") == 0; });
    if (!make_own_namespaces_as_same_user(CLONE_NEWNS, "")) return 3;
    if (!forget(kernel.calls)) return 4;
    const NewRoot root{.operations = {Bind{.source = "/tmp/data", .target = "/data"}}};
    if (!enter_new_root(root) || !mounted.take()) return 5;
    return try_to_write("/data/later") == EROFS ? 0 : 6;
  };
  for (const Lacking& kernel : kernels()) {
    CAPTURE(std::string(kernel.description));
    CHECK(exit_status(in_child([&] { return trial(kernel); })) == 0);
  }
}

TEST_CASE("a missing source is an error that names it, unless it is optional or made") {
  expect_refused({Bind{.source = "/tmp/none", .target = "/x"}}, furnish_bind,
                 {"/tmp/none", "No such file", "Make it first"});
  expect_refused({Bind{.source = "/tmp/data/text/none", .target = "/x"}}, furnish_bind, {"/tmp/data/text/none"});
  expect_refused({Bind{.source = "tmp/data", .target = "/x"}}, furnish_bind, {"tmp/data", "absolute"});
  look_around({Bind{.source = "/tmp/none", .target = "/x", .optional = true},
               Bind{.source = "/tmp/new/deep", .target = "/new", .writable = true, .ensure = true}},
              furnish_bind, [](Findings& findings, const HostFolder& host) {
                findings.expect(!exists("/x"), "there is something for a missing source");
                findings.expect(mode_of("/new") == 0700 && host.has("new/deep"), "no folder is made");
                findings.expect(try_to_write("/new") == 0, "it cannot be written to");
              });
}

TEST_CASE("a source can be a descriptor, also of another mount namespace") {
  int folder = -1;
  const auto furnish_open = [&folder](HostFolder& host) {
    furnish_bind(host);
    folder = open("/tmp/data", O_PATH | O_CLOEXEC);
    need(dup2(folder, 90) == 90);  // NOLINT(readability-magic-numbers)
    need(dup2(STDOUT_FILENO, 91) == 91 && close(91) == 0);
  };
  look_around({Bind{.source = "", .target = "/a", .descriptor = 90}}, furnish_open,
              [](Findings& findings, const HostFolder&) {
                findings.expect_equal(read_text("/a/text"), std::string("bound"), "a file");
                findings.expect(try_to_write("/a") == EROFS, "it can be written to");
              });
  expect_refused({Bind{.source = "", .target = "/a", .descriptor = 91}}, furnish_open,
                 {"descriptor 91", "Bad file descriptor"});
  expect_refused({Bind{.source = "", .target = "/a", .descriptor = 90}},
                 [&furnish_open](HostFolder& host) {
                   furnish_open(host);
                   host.rename("data", "elsewhere");
                   host.folder("data");
                   need(mount("other", "/tmp/elsewhere", "tmpfs", 0, "") == 0);
                 },
                 {"descriptor 90"});
}

}  // namespace
}  // namespace wg4::container
