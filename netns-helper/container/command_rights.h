#pragma once
// What a container's command may still do, for those who ask before it is made and for those who make it so.

#include <cstdint>
#include <vector>

#include "netns-helper/container/container.h"
#include "shared/base/result.h"
#include "shared/sys/landlock.h"
#include "shared/sys/syscall_filter.h"

namespace wg4::container {

/// Bits 1 << CAP_...
[[nodiscard]] std::uint64_t kept_capabilities(const Container& container);

/// Without the paths, which are to be opened inside.
[[nodiscard]] LandlockDomain landlock_domain_of(const Container& container);

/// From here on no program gives this process rights by set-user-ID or file capabilities, and it reaches nothing
/// outside by signals and abstract sockets.
[[nodiscard]] Result<void> give_up_gains(const Container& container);

/// Of this process: it, and programs that it runs, keep these and gain no others, whatever user they are of.
[[nodiscard]] Result<void> keep_capabilities_for_programs(std::uint64_t mask);

/// The filter that is chosen, by rules or by name, and the caller's own behind it: they may refuse to add more. In a
/// session of its own it refuses the terminal in any case.
[[nodiscard]] Result<std::vector<FilterProgram>> compile_filters(const Container& container);

/// Puts this process, which is inside, into the command's domain.
[[nodiscard]] Result<void> restrict_by_landlock_of(const Container& container);

}  // namespace wg4::container
