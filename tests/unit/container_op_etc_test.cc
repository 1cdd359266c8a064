#include <cerrno>
#include <string>

#include "netns-helper/container/operations/operation.h"
#include "tests/unit/container_root_support.h"
#include "tests/unit/container_support.h"

namespace wg4::container {
namespace {

void furnish_etc(HostFolder& host) {
  host.file("etc/passwd", "host's");
  host.file("etc/group", "host's");
  host.file("etc/ssl/cert", "cert");
  host.link("../usr/share/zone", "etc/localtime");
  host.link("/proc/self/mounts", "etc/mtab");
  host.file("etc/alternatives/none");
  host.link("../../usr/bin/vi", "etc/alternatives/editor");
}

TEST_CASE("/etc is of links to the host's, and has files of others beside them") {
  look_around({Place{.target = "/etc/group", .bytes = "ours", .as = Place::As::file},
               Place{.target = "/usr/bin/vi", .bytes = "vi"}, Place{.target = "/usr/share/zone", .bytes = "zone"},
               Etc{.source = "/tmp/etc", .without = {"passwd"}}, Place{.target = "/etc/passwd", .bytes = "ours"}},
              furnish_etc, [](Findings& findings, const HostFolder&) {
                findings.expect_equal(read_link("/etc/ssl"), std::string(".host/etc/ssl"), "a folder");
                findings.expect_equal(read_text("/etc/ssl/cert"), std::string("cert"), "a file in it");
                findings.expect_equal(read_text("/etc/localtime"), std::string("zone"), "a link");
                findings.expect_equal(read_text("/etc/alternatives/editor"), std::string("vi"), "a link in a folder");
                findings.expect_equal(read_link("/etc/mtab"), std::string("../proc/self/mounts"), "mtab");
                findings.expect_equal(read_text("/etc/passwd"), std::string("ours"), "one that was left out");
                findings.expect_equal(read_text("/etc/group"), std::string("ours"), "one that was there before");
                findings.expect(try_to_write("/etc/ssl") == EROFS, "the host's can be written to");
                findings.expect(try_to_write("/etc") == 0, "/etc cannot be written to");
              });
}

TEST_CASE("an /etc that is no folder is an error") {
  expect_refused({Etc{.source = "/tmp/etc/passwd"}}, furnish_etc, {"/tmp/etc/passwd", "no folder"});
  expect_refused({Etc{.source = "/tmp/none"}}, furnish_etc, {"/tmp/none", "No such file"});
}

}  // namespace
}  // namespace wg4::container
