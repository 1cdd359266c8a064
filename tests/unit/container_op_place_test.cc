#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <iterator>
#include <string>

#include "netns-helper/container/operations/operation.h"
#include "shared/base/unique_fd.h"
#include "tests/unit/container_root_support.h"
#include "tests/unit/container_support.h"

namespace wg4::container {
namespace {

int try_to_append(const std::string& path) {
  const UniqueFd file(open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (!file.valid()) return errno;
  return write(file.get(), "+", 1) == 1 ? 0 : errno;
}

void furnish_place(HostFolder& host) {
  host.file("data/old", "host's");
  host.link("old", "data/link");
}

const Bind read_only_data{.source = "/tmp/data", .target = "/data"};

TEST_CASE("a file is placed over another one, in a read-only folder, too, and by a link") {
  const std::string bytes("a\0b\n", 4);
  look_around(
      {read_only_data, Place{.target = "/data/link", .bytes = bytes}, Place{.target = "/new/file", .bytes = "new"},
       Place{.target = "/new/own", .bytes = "own", .mode = 0600, .as = Place::As::mount}},
      furnish_place, [&bytes](Findings& findings, const HostFolder& host) {
        findings.expect(read_text("/data/old") == bytes, "its bytes");
        findings.expect(try_to_append("/data/old") == EROFS, "it can be written to");
        findings.expect((mount_flags("/data/old") & (ST_NOSUID | ST_NODEV)) == (ST_NOSUID | ST_NODEV), "flags");
        findings.expect(mode_of("/new/file") == 0644 && mode_of("/new/own") == 0600, "modes");
        findings.expect(try_to_append("/new/own") == 0, "a writable one cannot be written to");
        findings.expect_equal(read_text("/new/own"), std::string("own+"), "its text");
        findings.expect(host.text("data/old") == "host's", "the host's file is another");
      });
}

TEST_CASE("a file of its folder can be replaced, and replaces another one") {
  const auto as = Place::As::file;
  look_around({Place{.target = "/a/file", .bytes = "first, longer", .mode = 0640, .as = as},
               Link{.target = "/link", .text = "a/file"}, Place{.target = "/link", .bytes = "second", .as = as}},
              no_sources, [](Findings& findings, const HostFolder&) {
                findings.expect_equal(read_text("/a/file"), std::string("second"), "its text");
                findings.expect(mode_of("/a/file") == 0640, "its mode");
                findings.expect(rename("/a/file", "/a/other") == 0, "it cannot be renamed");
              });
}

TEST_CASE("a file of a folder that cannot be written to is not placed, nor something else replaced") {
  const auto as = Place::As::file;
  expect_refused({read_only_data, Place{.target = "/data/new", .bytes = "x", .as = as}}, furnish_place,
                 {"/data/new", "Read-only"});
  expect_refused({read_only_data, Place{.target = "/data/old", .bytes = "x", .as = as}}, furnish_place,
                 {"/data/old", "Read-only"});
  expect_refused({Dev{}, Place{.target = "/dev/null", .bytes = "x", .as = as}}, furnish_place,
                 {"/dev/null", "no regular"});
}

TEST_CASE("a large file arrives whole") {
  const std::string bytes(3 << 20, 'x');
  look_around({Place{.target = "/large", .bytes = bytes}}, no_sources, [&bytes](Findings& findings, const HostFolder&) {
    findings.expect(read_text("/large") == bytes, "its bytes");
  });
}

}  // namespace
}  // namespace wg4::container
