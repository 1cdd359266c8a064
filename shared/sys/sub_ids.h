#pragma once
// Subordinate ids (subuid(5), subgid(5)): numbers that an ordinary user may give to users and groups of a user
// namespace, by means of newuidmap(1) and newgidmap(1). Looking at a host and judging it are separate, so that a test
// can judge hosts that nobody has.

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/sys/program_file.h"

namespace wg4 {

/// Ids of the host: `first`, and those that follow.
struct IdRange {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  friend bool operator==(const IdRange&, const IdRange&) = default;
};

/// The lines of one user in /etc/subuid or /etc/subgid, as they stand there: "alice:100000:65536".
struct SubIdLines {
  std::string path;
  std::vector<std::string> lines{};

  /// In the order of the lines. Lines that are no range are left out.
  [[nodiscard]] std::vector<IdRange> ranges() const;
};

/// What a host has for subordinate ids of one user.
struct SubIdSetup {
  std::string user{};  ///< by name, if there is one
  SubIdLines uids{.path = "/etc/subuid"};
  SubIdLines gids{.path = "/etc/subgid"};
  PrivilegedProgram newuidmap{};
  PrivilegedProgram newgidmap{};
  bool no_new_privs = false;  ///< of this process: no program gives it rights
};

/// Looks at this host, as the user of this process. `etc` is a parameter for tests.
[[nodiscard]] SubIdSetup look_at_sub_ids(const std::string& etc = "/etc");

/// Why the user cannot map subordinate ids, and the next step.
[[nodiscard]] std::optional<Error> fault_of(const SubIdSetup& setup);

}  // namespace wg4
