#include <cerrno>
#include <string>

#include "netns-helper/container/operations/operation.h"
#include "tests/support/in_child.h"
#include "tests/unit/container_root_support.h"
#include "tests/unit/container_support.h"

namespace wg4::container {
namespace {

void furnish_root(HostFolder& host) {
  for (const std::string name : {"usr", "opt", "proc", "dev", "tmp", "mnt", "etc"}) host.file("root/" + name + "/file");
  host.file("root/swap file", "swap");
  host.link("usr/bin", "root/bin");
}

TEST_CASE("the top of the host's root is bound, but for what has operations of its own") {
  look_around({Root{.source = "/tmp/root"}}, furnish_root, [](Findings& findings, const HostFolder&) {
    findings.expect(exists("/usr/file") && exists("/opt/file"), "a folder is missing");
    for (const std::string name : {"/proc", "/dev", "/tmp", "/mnt", "/etc"}) findings.expect(!exists(name), name);
    findings.expect_equal(read_link("/bin"), std::string("usr/bin"), "a link");
    findings.expect_equal(read_text("/swap file"), std::string("swap"), "a file");
    findings.expect(try_to_write("/usr") == EROFS, "it can be written to");
  });
  look_around({Root{.source = "/tmp/root", .writable = true}}, furnish_root, [](Findings& findings, const HostFolder&) {
    findings.expect(try_to_write("/usr") == 0, "it cannot be written to");
  });
}

TEST_CASE("the host's own root can be that") {
  look_around({Root{}, Proc{}, Dev{}, Tmpfs{.target = "/tmp"}, Etc{}}, no_sources,
              [](Findings& findings, const HostFolder&) {
                findings.expect(exists("/usr/bin/env") && exists("/etc/passwd"), "files are missing");
                findings.expect(
                    exit_status(in_child([] { return execl("/bin/sh", "sh", "-c", ": >/dev/null", nullptr); })) == 0,
                    "no command runs");
              });
}

}  // namespace
}  // namespace wg4::container
