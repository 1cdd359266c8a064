#pragma once
// A process of root's that ends as an ordinary user's: nobody's, who has no files and may signal no process of others.

#include <cstdint>

#include "shared/base/result.h"

namespace wg4 {

/// The root of the host, not that of a user namespace, who is an ordinary user already. Reads /proc.
[[nodiscard]] bool is_root_of_host();

/// Takes the ids of nobody, for good, and keeps the capabilities of `rights` (as keep_capabilities()) of those that
/// there are. Needs CAP_SETUID and CAP_SETGID. Our parent's end goes on to end us, if it did; but ours ends no child
/// that stays root's: it must see for itself.
[[nodiscard]] Result<void> become_nobody(std::uint64_t rights);

}  // namespace wg4
