#include <sys/statvfs.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "netns-helper/container/operations/operation.h"
#include "tests/unit/container_root_support.h"
#include "tests/unit/container_support.h"

namespace wg4::container {
namespace {

TEST_CASE("a tmpfs is empty, writable, and as large and open as it was asked for") {
  look_around({Tmpfs{.target = "/plain"}, Tmpfs{.target = "/sized/deep", .size = 65536, .mode = 01777}}, no_sources,
              [](Findings& findings, const HostFolder&) {
                findings.expect(std::filesystem::is_empty("/plain") && mode_of("/plain") == 0755, "a plain one");
                findings.expect(try_to_write("/plain") == 0, "it cannot be written to");
                constexpr unsigned long wanted = ST_NOSUID | ST_NODEV;
                findings.expect((mount_flags("/plain") & wanted) == wanted, "flags");
                struct statvfs status{};
                findings.expect(statvfs("/sized/deep", &status) == 0 && status.f_blocks * status.f_frsize == 65536,
                                "the size");
                findings.expect(mode_of("/sized/deep") == 01777, "the mode");
              });
}

TEST_CASE("a tmpfs over / is the root for what comes after it") {
  look_around({Mkdir{.target = "/before"}, Tmpfs{.target = "/"}, Mkdir{.target = "/after"}}, no_sources,
              [](Findings& findings, const HostFolder&) {
                findings.expect(!exists("/before") && exists("/after"), "the root is another");
              });
}

}  // namespace
}  // namespace wg4::container
