#include "netns-helper/container/new_root.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

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

TEST_CASE("operations that are there once cannot be there twice") {
  expect_refused({Root{}, Root{}}, no_sources, {"root", "more than once"});
  expect_refused({Etc{}, Etc{}}, no_sources, {"etc", "more than once"});
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
