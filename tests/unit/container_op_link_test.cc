#include <string>

#include "netns-helper/container/operations/operation.h"
#include "tests/unit/container_root_support.h"
#include "tests/unit/container_support.h"

namespace wg4::container {
namespace {

void furnish_link(HostFolder& host) {
  host.link("../any/text", "link");
  host.file("file");
}

TEST_CASE("a link has any text, or that of one of the host's") {
  look_around({Link{.target = "/a/link", .text = "../../../no where"}, Link{.target = "/usr", .text = "a"},
               Link{.target = "/usr", .text = "a"}, Link{.target = "/copy", .text = "/tmp/link", .dereference = true}},
              furnish_link, [](Findings& findings, const HostFolder&) {
                findings.expect_equal(read_link("/a/link"), std::string("../../../no where"), "its text");
                findings.expect_equal(read_link("/usr/link"), std::string("../../../no where"), "by another link");
                findings.expect_equal(read_link("/copy"), std::string("../any/text"), "the host's");
              });
}

TEST_CASE("a link does not go over something else") {
  const Link link{.target = "/x", .text = "text"};
  expect_refused({Link{.target = "/x", .text = "other"}, link}, furnish_link, {"/x", "File exists", "a link to other"});
  expect_refused({Mkdir{.target = "/x"}, link}, furnish_link, {"/x", "File exists", "no link"});
  expect_refused({Link{.target = "/", .text = "x"}}, furnish_link, {"Is a directory"});
}

TEST_CASE("a link whose text cannot be had is an error before anything is made") {
  expect_refused({Link{.target = "/x", .text = ""}}, furnish_link, {"/x", "needs a text"});
  expect_refused({Link{.target = "/x", .text = "/tmp/none", .dereference = true}}, furnish_link,
                 {"/tmp/none", "No such file"});
  expect_refused({Link{.target = "/x", .text = "/tmp/file", .dereference = true}}, furnish_link,
                 {"/tmp/file", "is no link"});
  expect_refused({Link{.target = "/x", .text = "tmp", .dereference = true}}, furnish_link, {"tmp", "absolute"});
}

}  // namespace
}  // namespace wg4::container
