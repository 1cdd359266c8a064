#include "shared/sys/sub_ids.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

namespace wg4 {
namespace {

using Ranges = std::vector<IdRange>;

SubIdSetup good_setup() {
  return {.user = "alice",
          .uids = {.path = "/etc/subuid", .lines = {"alice:100000:65536"}},
          .gids = {.path = "/etc/subgid", .lines = {"1000:100000:65536"}},
          .newuidmap = {.path = "/usr/bin/newuidmap", .mode = 04755},
          .newgidmap = {.path = "/usr/bin/newgidmap", .mode = 0755, .has_capabilities = true}};
}

std::string fault_text(const SubIdSetup& setup) {
  const auto fault = fault_of(setup);
  return fault ? fault->message() : "";
}

TEST_CASE("lines of subuid(5) are ranges, unless they are none") {
  CHECK(SubIdLines{.path = "", .lines = {"alice:100000:65536", "1000:5:1"}}.ranges() ==
        Ranges{{100000, 65536}, {5, 1}});
  for (const char* line : {"alice:100000:0", "alice:100000", "alice:", "alice:x:1", "alice:1:x", "alice:1:-1",
                           "alice:1: 5", "alice::5", "alice:1:5:6", "alice:4294967296:1"}) {
    CAPTURE(line);
    CHECK(SubIdLines{.path = "", .lines = {line}}.ranges().empty());
  }
}

TEST_CASE("what a host lacks for subordinate ids is said with the next step") {
  SubIdSetup setup = good_setup();
  CHECK(fault_text(setup).empty());
  SUBCASE("not installed") {
    setup.newuidmap.path.clear();
    CHECK(fault_text(setup).starts_with("newuidmap is not installed. It is in the package uidmap"));
  }
  SUBCASE("not privileged") {
    setup.newgidmap.has_capabilities = false;
    CHECK(fault_text(setup).ends_with("As root: chmod u+s /usr/bin/newgidmap"));
  }
  SUBCASE("privileged, but another user's") {
    setup.newuidmap.owner = 65534;
    CHECK(fault_text(setup).starts_with("/usr/bin/newuidmap has the set-user-id bit, but belongs to uid 65534"));
  }
  SUBCASE("on a mount where that has no effect") {
    setup.newuidmap.on_nosuid = true;
    CHECK(fault_text(setup).find("nosuid") != std::string::npos);
  }
  SUBCASE("in a process where that has no effect") {
    setup.no_new_privs = true;
    CHECK(fault_text(setup).find("NoNewPrivileges=") != std::string::npos);
  }
  SUBCASE("no range") {
    setup.gids.lines = {"alice:0:0"};
    CHECK(fault_text(setup).starts_with("user alice has no range in /etc/subgid. As root: usermod"));
  }
}

}  // namespace
}  // namespace wg4
