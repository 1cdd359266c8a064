#include "netns-helper/container/operations/operation.h"
#include "tests/unit/container_root_support.h"
#include "tests/unit/container_support.h"

namespace wg4::container {
namespace {

TEST_CASE("the mode of what is there is changed, and nothing else") {
  look_around({Mkdir{.target = "/folder"}, Link{.target = "/link", .text = "folder"},
               Chmod{.target = "/link", .mode = 01700}, Place{.target = "/file", .bytes = "", .as = Place::As::file},
               Chmod{.target = "/file", .mode = 0400}, Chmod{.target = "/", .mode = 0511}},
              no_sources, [](Findings& findings, const HostFolder&) {
                findings.expect(mode_of("/folder") == 01700, "a folder, by a link");
                findings.expect(mode_of("/file") == 0400, "a file");
                findings.expect(mode_of("/") == 0511, "the root");
              });
}

TEST_CASE("what is missing, or cannot be changed, has no mode") {
  expect_refused({Chmod{.target = "/none"}}, no_sources, {"/none", "No such file"});
  expect_refused({Bind{.source = "/tmp/data", .target = "/data"}, Chmod{.target = "/data"}},
                 [](HostFolder& host) { host.folder("data"); }, {"/data", "Read-only"});
}

}  // namespace
}  // namespace wg4::container
