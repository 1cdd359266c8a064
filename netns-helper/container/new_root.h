#pragma once
// A root of this mount namespace's own, made by operations (operations/operation.h), in place of the host's.

#include <sys/types.h>

#include <vector>

#include "netns-helper/container/operations/operation.h"
#include "shared/base/result.h"

namespace wg4::container {

struct NewRoot {
  std::vector<Operation> operations;
  mode_t parent_mode = 0755;  ///< of the root, and of folders that are made on the way to a target

  friend bool operator==(const NewRoot&, const NewRoot&) = default;
};

/// Gives this process, and all others in its mount namespace that have the same root, a new one; the working directory
/// is then its "/". What is mounted in the namespace so far is a source like all else, and is gone afterwards, but for
/// what descriptors hold.
///
/// The process has CAP_SYS_ADMIN over the mount namespace. Proc, Sysfs and Mqueue need namespaces of processes, network
/// and IPC that belong to the same user namespace.
///
/// An error names the path and says what to do. The process must end then: the namespace may be half made. On the host
/// nothing is left, but for what operations make there on demand (Bind::ensure, and targets below a writable Bind).
[[nodiscard]] Result<void> enter_new_root(const NewRoot& root);

}  // namespace wg4::container
