#pragma once
// Opening and entering a network namespace and the user namespace that owns it (namespaces(7), ioctl_ns(2)).
//
// Rights in a network namespace come from the user namespace that owns it, so the user namespace is entered first. Both
// are opened before either is entered: afterwards /proc/PID/ns and paths of other mount namespaces may be out of reach.

#include <sys/types.h>

#include <string>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

/// The namespaces to work in.
struct TargetNamespaces {
  std::string name;  ///< as the user knows it, for messages: "process 123", "/run/user/1000/netns/x"
  UniqueFd user;
  UniqueFd net;
};

/// The network namespace of a live process.
[[nodiscard]] Result<UniqueFd> open_netns(pid_t pid);
/// The network namespace behind a path; anything else there is an error.
[[nodiscard]] Result<UniqueFd> open_netns(const std::string& path);
/// The user namespace behind a path; anything else there is an error.
[[nodiscard]] Result<UniqueFd> open_userns(const std::string& path);

/// The user namespace that owns `netns`. EPERM if it is not this process' own or one below it.
[[nodiscard]] Result<UniqueFd> owning_userns(int netns);

/// True if both descriptors are the same namespace.
[[nodiscard]] Result<bool> same_namespace(int left, int right);

/// Moves this (single-threaded) process into both. A user namespace that it is in already stays as it is.
[[nodiscard]] Result<void> enter(const TargetNamespaces& target);

/// This user's uid outside of the process's user namespace: in Podman's, for example, the uid is 0.
[[nodiscard]] uid_t outer_uid();

/// Why this host gives ordinary users no rights in user namespaces, with the next step; empty if no sysctl says so.
/// `proc_sys` is a parameter for tests.
[[nodiscard]] std::string userns_restriction(const std::string& proc_sys = "/proc/sys");

}  // namespace wg4
