#include <cerrno>
#include <filesystem>

#include "netns-helper/container/operations/operation.h"
#include "tests/unit/container_root_support.h"
#include "tests/unit/container_support.h"

namespace wg4::container {
namespace {

TEST_CASE("a read-only folder is empty, and covers what was there") {
  look_around({Place{.target = "/folder/file", .bytes = "x"}, ReadOnly{.target = "/folder", .mode = 0500}}, no_sources,
              [](Findings& findings, const HostFolder&) {
                findings.expect(std::filesystem::is_empty("/folder"), "there is something");
                findings.expect(mode_of("/folder") == 0500, "the mode");
                findings.expect(try_to_write("/folder") == EROFS, "it can be written to");
              });
}

}  // namespace
}  // namespace wg4::container
