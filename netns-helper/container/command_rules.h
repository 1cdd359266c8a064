#pragma once
// What each command of a container does without, as one value that can be kept in a file: for commands that join a
// container later, and are not children of its init.

#include <cstddef>
#include <vector>

#include "netns-helper/container/container.h"
#include "netns-helper/container/rights_on_wire.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/syscall_filter.h"
#include "shared/wire/kind.h"

namespace wg4::container {

struct CommandRules {
  static constexpr wire::Kind message_kind = wire::Kind::container_rules;
  static constexpr std::size_t max_size = std::size_t{4} * 1024 * 1024;  // bytes
  Container container{};                                                 ///< its rights alone
  std::vector<FilterProgram> filters{};

  static constexpr void fields(auto& self, auto& visit) {
    visit(self.container.privileged);
    visit(self.container.capabilities);
    visit(self.container.host_abstract);
    visit(self.container.log_denied);
    fields_of_landlock(self.container.landlock, visit);
    fields_of_filters(self.filters, visit);
  }
};

/// With the filters compiled: an error may be one in a file of the user's.
[[nodiscard]] Result<CommandRules> rules_of(const Container& container);

/// As a file in memory that nobody can change.
[[nodiscard]] Result<UniqueFd> keep_rules(const CommandRules& rules);
[[nodiscard]] Result<CommandRules> read_rules(int file);

/// Puts them in force for this process, for good: the last thing before its program. It is inside, has one thread and
/// all capabilities in its user namespace. After an error it must not run the program.
[[nodiscard]] Result<void> obey(const CommandRules& rules);

}  // namespace wg4::container
