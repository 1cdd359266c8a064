#include "netns-helper/container/mounts/mounts.h"
#include "netns-helper/container/new_root.h"
#include "netns-helper/container/operations/operation.h"
#include "shared/base/result.h"
#include "shared/sys/own_namespaces.h"
#include "tests/support/in_child.h"
#include "tests/support/machine.h"
#include "tests/unit/container_support.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string>

#include "netns-helper/container/own_etc.h"
#include "netns-helper/container/own_run.h"
#include "tests/unit/container_root_support.h"

namespace wg4::container {
namespace {

namespace fs = std::filesystem;

TEST_CASE("a root without operations is empty, with the mode that was asked for") {
  for (const mode_t mode : {mode_t{0755}, mode_t{0700}}) {
    try_out({.root = {.operations = {}, .parent_mode = mode},
             .inspect = [mode](Findings& findings, const Result<void>& entered, const HostFolder&) {
               if (!findings.expect(entered)) return;
               findings.expect(fs::is_empty("/"), "there is something");
               findings.expect(mode_of("/") == mode, "the mode of the root");
               findings.expect(fs::current_path() == "/", "the working directory");
               findings.expect(fs::exists("/.."), "..");
               findings.expect(fs::equivalent("/", "/.."), "the root has something above it");
             }});
  }
}

TEST_CASE("of the host's mounts none is left") {
  look_around({Proc{}}, no_sources, [](Findings& findings, const HostFolder&) {
    const std::string mounts = read_text("/proc/self/mountinfo");
    int count = 0;
    for (const char each : mounts) count += each == '\n' ? 1 : 0;
    findings.expect(count <= 6, "mounts are left: " + mounts);
  });
}

TEST_CASE("the umask of the process stays, and has no part in modes") {
  try_out({.root = {.operations = {Mkdir{.target = "/open", .mode = 0777}}},
           .furnish = [](HostFolder&) { umask(027); },
           .inspect =
               [](Findings& findings, const Result<void>& entered, const HostFolder&) {
                 if (!findings.expect(entered)) return;
                 findings.expect(mode_of("/open") == 0777, "the mode of a folder");
                 findings.expect(umask(0) == 027, "the umask");
               }});
}

TEST_CASE("in a chroot the error says so") {
  on_fake_host([](Findings& findings, FakeHost&) {
    if (!findings.expect(mount_tmpfs("/tmp", 0, ""))) return;
    findings.expect(mkdir("/tmp/root", 0755) == 0 && chroot("/tmp/root") == 0, "chroot");
    const auto entered = enter_new_root({});
    findings.expect(
        !entered && entered.error().message().contains("Invalid argument. The root of this process is no mount"),
        "no error");
  });
}

TEST_CASE("operations that are there once cannot be there twice") {
  expect_refused({Root{}, Root{}}, no_sources, {"root", "more than once"});
  expect_refused({Etc{}, Etc{}}, no_sources, {"etc", "more than once"});
}

TEST_CASE("a namespace with an /etc and a /run of its own shows those, and goes on with them") {
  const std::string runtime = "/run/user/1000";
  on_fake_host([&runtime](Findings& findings, FakeHost& host) {
    host.etc.file("passwd", "host's");
    host.run.file("nscd/socket");
    host.run.listen("user/1000/wayland-0");
    findings.expect(FakeHost::enter());
    auto etc = OwnEtc::create({{"hosts", {"first"}}});
    if (!findings.expect(etc) || !findings.expect(mount_own_run({.runtime_folder = runtime}))) return;
    const NewRoot root{.operations = {Bind{.source = "/etc", .target = "/etc"},
                                      Bind{.source = "/run", .target = "/run", .writable = true}}};
    if (!findings.expect(enter_new_root(root))) return;
    findings.expect_equal(read_text("/etc/passwd"), std::string("host's"), "a file of the host's");
    findings.expect_equal(read_text("/etc/hosts"), std::string("first"), "a file of ours");
    findings.expect(etc->replace("hosts", {"second"}));
    host.etc.replace("passwd", "another");
    host.etc.file("late", "late");
    findings.expect(etc->follow());
    findings.expect_equal(read_text("/etc/hosts"), std::string("second"), "a file of ours that is replaced");
    findings.expect_equal(read_text("/etc/passwd"), std::string("another"), "one of the host's that is replaced");
    findings.expect_equal(read_text("/etc/late"), std::string("late"), "one that the host adds");
    findings.expect(try_to_write("/etc") == EROFS, "/etc can be written to");
    findings.expect(try_to_write(runtime) == 0, "the runtime folder cannot be written to");
    findings.expect(try_connect(runtime + "/wayland-0") == 0, "wayland does not answer");
    findings.expect(!exists("/run/nscd"), "nscd is there");
  });
}

TEST_CASE("the host's root needs no user namespace") {
  if (geteuid() != 0) return say_skipped("not root");
  for (const Lacking& kernel : kernels()) {
    CAPTURE(std::string(kernel.description));
    const int status = in_child([&kernel] {
      if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC) != 0) return 1;
      return exit_status(in_child([&kernel] {
        if (!forget(kernel.calls)) return 2;
        const auto entered = enter_new_root({.operations = {Root{}, Proc{}, Dev{.mqueue = true}, Etc{}}});
        if (!entered) std::puts(entered.error().message().c_str());
        return entered && exists("/usr/bin/env") && try_to_write("/usr") == EROFS && read_link("/proc/self") == "1" ? 0
                                                                                                                    : 3;
      }));
    });
    CHECK(exit_status(status) == 0);
  }
}

TEST_CASE("a process without rights over its mounts is told so") {
  try_out({.root = {.operations = {Bind{.source = "/", .target = "/"}, Proc{}}},
           .inspect = [](Findings& findings, const Result<void>& entered, const HostFolder&) {
             if (!findings.expect(entered)) return;
             const int status = in_child([] {
               if (!make_own_namespaces_as_same_user(0, "make a user namespace")) return 1;
               const auto again = enter_new_root({});
               return !again && again.error().number == EPERM ? 0 : 2;
             });
             findings.expect(exit_status(status) == 0, "no error");
           }});
}

}  // namespace
}  // namespace wg4::container
