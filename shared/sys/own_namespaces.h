#pragma once
// Makes new namespaces for this process (unshare(2), user_namespaces(7)); namespaces.h enters existing ones.

#include <string>
#include <string_view>

#include "shared/base/result.h"

namespace wg4 {

/// Moves this process, which has one thread, into new namespaces of these kinds (CLONE_NEW...). `purpose` completes the
/// error: "make a mount namespace for ...". The error's number is that of unshare(2), and its hint says why this host
/// allows no user namespaces, if that is the reason.
[[nodiscard]] Result<void> make_own_namespaces(int kinds, const std::string& purpose);

/// The same with a new user namespace, in which this process keeps its user and group: a program that it then runs has
/// no more rights than before.
[[nodiscard]] Result<void> make_own_namespaces_as_same_user(int kinds, const std::string& purpose);

/// Writes a file of /proc, such as uid_map, at once: the kernel takes it so, or not at all.
[[nodiscard]] Result<void> write_proc_file(const std::string& path, std::string_view text);

/// Later mounts are visible in this mount namespace only.
[[nodiscard]] Result<void> make_mounts_private();

}  // namespace wg4
