#pragma once

namespace wg4::container {

/// Whether a namespace of this process', by its name in /proc/self/ns, belongs to its own user namespace. Where the
/// kernel does not say: yes.
[[nodiscard]] bool is_owned_here(const char* kind);

}  // namespace wg4::container
