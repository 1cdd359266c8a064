#pragma once
// Profiles of container engines as JSON: that of the OCI runtime specification (linux.seccomp), and what Docker's and
// Podman's have beyond it: archMap, includes and excludes. Pure.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "netns-helper/container/filter/policy.h"
#include "shared/base/result.h"
#include "shared/sys/syscall_filter.h"

namespace wg4::container::filter {

inline constexpr std::size_t max_profile_size = 1024UL * 1024;  // bytes; Docker's has 15 KiB

struct KernelVersion {
  unsigned major = 0;
  unsigned minor = 0;

  friend auto operator<=>(const KernelVersion&, const KernelVersion&) = default;
};

/// What a profile's includes and excludes ask for.
struct ProfileFacts {
  std::uint32_t architecture = native_architecture();
  std::uint64_t capabilities = 0;  ///< bits 1 << CAP_...: the bounding set
  KernelVersion kernel = {};
};

/// Errors begin with `name`, line and column: "x.json:3:12: ...".
[[nodiscard]] Result<Policy> parse_oci_profile(std::string_view text, const std::string& name,
                                               const ProfileFacts& facts);

}  // namespace wg4::container::filter
