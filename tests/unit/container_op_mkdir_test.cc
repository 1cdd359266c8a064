#include <sys/stat.h>

#include "netns-helper/container/operations/operation.h"
#include "tests/unit/container_root_support.h"
#include "tests/unit/container_support.h"

namespace wg4::container {
namespace {

TEST_CASE("a folder is made with its mode, and one that is there stays") {
  look_around({Mkdir{.target = "/a/b", .mode = 01777}, Mkdir{.target = "/a/b", .mode = 0700},
               Mkdir{.target = "/a", .mode = 0700}, Mkdir{.target = "/"}},
              no_sources, [](Findings& findings, const HostFolder&) {
                findings.expect(mode_of("/a/b") == 01777, "its mode");
                findings.expect(mode_of("/a") == 0755, "the mode of its parent");
                struct stat status{};
                findings.expect(stat("/a/b", &status) == 0 && status.st_uid == geteuid(), "its owner");
              });
}

TEST_CASE("a folder in a writable source is made on the host") {
  look_around(
      {Bind{.source = "/tmp/data", .target = "/data", .writable = true}, Mkdir{.target = "/data/new"}},
      [](HostFolder& host) { host.folder("data"); },
      [](Findings& findings, const HostFolder& host) { findings.expect(host.has("data/new"), "it is not"); });
}

TEST_CASE("a file in the place of a folder is an error") {
  expect_refused({Place{.target = "/x", .bytes = ""}, Mkdir{.target = "/x"}}, no_sources, {"/x", "Not a directory"});
}

}  // namespace
}  // namespace wg4::container
