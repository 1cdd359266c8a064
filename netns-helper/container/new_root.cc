#include "netns-helper/container/new_root.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "netns-helper/container/mounts/mounts.h"
#include "netns-helper/container/operations/operation.h"
#include "netns-helper/container/operations/step.h"
#include "netns-helper/container/operations/targets.h"
#include "shared/base/result.h"
#include "shared/base/scope_exit.h"
#include "shared/base/unique_fd.h"

namespace wg4::container {
namespace {

/// Where the root is made, and the folder for what it shows in other places: entries of the place that is laid over the
/// host's root.
const std::string root_name = "root";
const std::string hidden_name = "hidden";

template <class T>
Result<void> expect_at_most_one(const std::vector<Operation>& operations, const std::string& name) {
  const auto is_one = [](const Operation& operation) { return std::holds_alternative<T>(operation); };
  if (std::ranges::count_if(operations, is_one) > 1) return fail("the operation " + name + " is there more than once");
  return {};
}

/// Takes hold of all that is the host's. Must not make anything in this mount namespace.
Result<std::vector<Step>> prepare_all(const std::vector<Operation>& operations) {
  TRY(expect_at_most_one<Etc>(operations, "etc"));
  TRY(expect_at_most_one<Root>(operations, "root"));
  std::vector<Step> steps;
  steps.reserve(operations.size());
  for (const Operation& operation : operations)
    steps.push_back(TRY(std::visit([](const auto& each) { return prepare(each); }, operation)));
  return steps;
}

Result<UniqueFd> mount_memory(const Targets& targets, const std::string& path, mode_t mode) {
  const FileSystem memory{.type = "tmpfs",
                          .refusals = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
                          .options = {{"mode", fmt::format("{:o}", mode)}}};
  const MountPoint at = TRY(targets.folder(path));
  return mount_new(memory, at);
}

/// Lays a place over the host's root that nobody sees: this process' root is what is below it, and paths begin there.
/// "/.." alone leads to it. A copy of the host's tree does not have it, since it cannot be bound.
Result<UniqueFd> lay_place() {
  UniqueFd below(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  UniqueFd root(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!below.valid() || !root.valid()) return fail("open /", errno);
  const MountPoint at{.file = std::move(root), .folder = std::move(below), .path = "/..", .shown = "/"};
  const FileSystem memory{.type = "tmpfs", .refusals = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, .options = {}};
  UniqueFd place = TRY(mount_new(memory, at));
  if (mount(nullptr, "/..", nullptr, MS_UNBINDABLE, nullptr) != 0)
    return mount_refused("keep copies from the mount over", "/", errno);
  return place;
}

/// Gives this process the root in which it is now.
Result<void> pivot() {
  if (syscall(SYS_pivot_root, ".", ".") == 0) return {};
  if (errno != EINVAL) return mount_refused("make the new root that of this process, over", "/", errno);
  return fail("make the new root that of this process, over /", EINVAL,
              "The kernel keeps an initramfs as the root: mount another one");
}

/// The host's root, with all that is mounted below it, and with the place over it, is let go.
Result<void> move_in(const UniqueFd& place) {
  const UniqueFd root(openat(place.get(), root_name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid() || fchdir(root.get()) != 0) return fail("enter the new root", errno);
  TRY(pivot());
  // The former root is mounted over the new one now, and over it the place.
  for (int mounts = 2; mounts > 0; --mounts)
    if (umount2(".", MNT_DETACH) != 0) return mount_refused("unmount the host's root from", "/", errno);
  if (chdir("/") != 0) return fail("enter the new root", errno);
  return {};
}

}  // namespace

Result<void> enter_new_root(const NewRoot& root) {
  const mode_t mask = umask(0);  // modes are those that were asked for
  const ScopeExit restore([mask] { umask(mask); });

  TRY(keep_mounts_here());
  std::vector<Step> steps = TRY(prepare_all(root.operations));
  const UniqueFd place = TRY(lay_place());
  const Targets parts(place.get(), ".", "", 0700);
  TRY(mount_memory(parts, "/" + root_name, root.parent_mode));
  Site site{.targets = Targets(place.get(), root_name, "", root.parent_mode),
            .hidden = TRY(mount_memory(parts, "/" + hidden_name, 0700))};
  for (Step& step : steps) TRY(step(site));
  steps.clear();
  return move_in(place);
}

}  // namespace wg4::container
