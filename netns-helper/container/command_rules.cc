#include "netns-helper/container/command_rules.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "netns-helper/container/command_rights.h"
#include "shared/base/bytes.h"
#include "shared/wire/wire.h"

namespace wg4::container {

Result<CommandRules> rules_of(const Container& container) {
  CommandRules rules{.container = {}, .filters = TRY(compile_filters(container))};
  rules.container.privileged = container.privileged;
  rules.container.capabilities = container.capabilities;
  rules.container.host_abstract = container.host_abstract;
  rules.container.log_denied = container.log_denied;
  rules.container.landlock = container.landlock;
  return rules;
}

Result<UniqueFd> keep_rules(const CommandRules& rules) {
  const std::vector<std::uint8_t> bytes = TRY(wire::encode(rules));
  UniqueFd file(memfd_create("command-rules", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.valid() || write(file.get(), bytes.data(), bytes.size()) != std::ssize(bytes) ||
      fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    return fail("keep the rules of the container", errno);
  return file;
}

Result<CommandRules> read_rules(int file) {
  struct stat status{};
  if (fstat(file, &status) != 0) return fail("read the rules of the container", errno);
  if (status.st_size > static_cast<off_t>(CommandRules::max_size))
    return fail("the rules of the container are too long");
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(status.st_size));
  if (pread(file, bytes.data(), bytes.size(), 0) != std::ssize(bytes))
    return fail("read the rules of the container", errno);
  return wire::decode<CommandRules>(bytes);
}

// A Landlock domain needs no_new_privs; the filters are last, for they may refuse all else.
Result<void> obey(const CommandRules& rules) {
  TRY(give_up_gains(rules.container));
  TRY(restrict_by_landlock_of(rules.container));
  TRY(keep_capabilities_for_programs(kept_capabilities(rules.container)));
  for (const FilterProgram& program : rules.filters) TRY(install_filter(program, rules.container.log_denied));
  return {};
}

}  // namespace wg4::container
