#pragma once

#include <string>
// The same as in mounts.h by mount(2), for kernels that lack what it uses: some came with Linux 5.2, mount_setattr(2)
// with 5.12, and what emulates Linux may have none. A descriptor's path in /proc stands for what is open.

#include "netns-helper/container/mounts/mounts.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4::container::by_path {

[[nodiscard]] Result<UniqueFd> bind(const Tree& tree, const MountPoint& at);
[[nodiscard]] Result<UniqueFd> mount_new(const FileSystem& wanted, const MountPoint& at);
[[nodiscard]] Result<void> refuse(const UniqueFd& mount, Refusals refusals, Depth depth, const std::string& shown);
/// What is mounted elsewhere does not appear below it any more.
[[nodiscard]] Result<void> make_private(const UniqueFd& mount, const std::string& shown);

}  // namespace wg4::container::by_path
