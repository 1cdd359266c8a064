#include <sched.h>
#include <sys/statvfs.h>

#include <filesystem>
#include <string>

#include "netns-helper/container/operations/operation.h"
#include "shared/base/result.h"
#include "tests/unit/container_root_support.h"
#include "tests/unit/container_support.h"

namespace wg4::container {
namespace {

TEST_CASE("/sys shows the interfaces of the own network only") {
  look_around({Sysfs{}}, no_sources, [](Findings& findings, const HostFolder&) {
    for (const auto& each : std::filesystem::directory_iterator("/sys/class/net"))
      findings.expect_equal(each.path().filename().string(), std::string("lo"), "an interface");
    findings.expect(exists("/sys/class/net/lo"), "there is no interface");
    constexpr unsigned long wanted = ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC;
    findings.expect((mount_flags("/sys") & wanted) == wanted, "flags");
  });
}

TEST_CASE("where the kernel refuses a /sys, the error says why") {
  try_out({.root = {.operations = {Sysfs{}}},
           .inspect =
               [](Findings& findings, const Result<void>& entered, const HostFolder&) {
                 if (entered) return findings.expect(false, "it is mounted");
                 const std::string said = entered.error().message();
                 findings.expect(said.contains("/sys: Operation not permitted") && said.contains("network namespace"),
                                 said);
               },
           .namespaces = 0});
}

}  // namespace
}  // namespace wg4::container
