#pragma once
// Namespaces of this process's own (unshare(2), user_namespaces(7)); those of others are in namespaces.h.

#include <string>

#include "shared/base/result.h"

namespace wg4 {

/// Moves this process, which has one thread, into new namespaces of these kinds (CLONE_NEW...). `purpose` completes the
/// sentence of the error: "make a mount namespace for ...". Its number is that of unshare(2), its hint says why this
/// host allows no user namespaces, if it does not.
[[nodiscard]] Result<void> make_own_namespaces(int kinds, const std::string& purpose);

/// A user namespace as well, in which this process is the user and group that it was: it has no more rights than before
/// once it runs another program.
[[nodiscard]] Result<void> make_own_namespaces_as_same_user(int kinds, const std::string& purpose);

/// What is mounted from now on is seen in this mount namespace alone.
[[nodiscard]] Result<void> make_mounts_private();

}  // namespace wg4
