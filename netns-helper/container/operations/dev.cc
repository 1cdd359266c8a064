#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "netns-helper/container/mounts/folder_entries.h"
#include "netns-helper/container/mounts/mounts.h"
#include "netns-helper/container/operations/mqueue.h"
#include "netns-helper/container/operations/operation.h"
#include "netns-helper/container/operations/source.h"
#include "netns-helper/container/operations/step.h"
#include "netns-helper/container/operations/targets.h"
#include "shared/base/escaped_text.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4::container {
namespace {

constexpr std::array devices{"null", "zero", "full", "random", "urandom", "tty"};
constexpr std::array<std::pair<const char*, const char*>, 6> links{{{"stdin", "/proc/self/fd/0"},
                                                                    {"stdout", "/proc/self/fd/1"},
                                                                    {"stderr", "/proc/self/fd/2"},
                                                                    {"fd", "/proc/self/fd"},
                                                                    {"core", "/proc/kcore"},
                                                                    {"ptmx", "pts/ptmx"}}};

/// Files of the host's and their names in the new folder.
using Files = std::vector<std::pair<std::string, Tree>>;

Result<void> take(Files& files, const std::string& path, const std::string& name) {
  Source source = TRY(find_source(path));
  files.emplace_back(name, TRY(take_tree(std::move(source.file), path)));
  return {};
}

/// The path of the terminal at standard output; empty if there is none, or it is not seen in this mount namespace.
std::string find_terminal() {
  if (isatty(STDOUT_FILENO) == 0) return "";
  std::array<char, 256> name{};
  if (ttyname_r(STDOUT_FILENO, name.data(), name.size()) != 0) return "";  // which compares what is there
  return name.data();
}

Result<Files> take_files(const Dev& dev) {
  Files files;
  for (const char* device : devices) TRY(take(files, std::string("/dev/") + device, device));
  const std::string terminal = dev.console ? find_terminal() : "";
  if (!terminal.empty()) TRY(take(files, terminal, "console"));
  return files;
}

Result<void> make_links(const UniqueFd& folder, const Dev& dev) {
  for (const auto& [name, text] : links)
    if (symlinkat(text, folder.get(), name) != 0)
      return fail("make the link " + printable(dev.target + "/" + name) + " in the new root", errno);
  return {};
}

Result<void> mount_file_systems(const Targets& inside, const Dev& dev) {
  const FileSystem terminals{.type = "devpts",
                             .refusals = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
                             .options = {{"newinstance", ""}, {"ptmxmode", "0666"}, {"mode", "620"}}};
  const FileSystem memory{
      .type = "tmpfs", .refusals = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, .options = {{"mode", "1777"}}};
  const MountPoint pts = TRY(inside.folder("/pts"));
  TRY(mount_new(terminals, pts));
  const MountPoint shm = TRY(inside.folder("/shm"));
  TRY(mount_new(memory, shm));
  if (!dev.mqueue) return {};
  return mount_queues(TRY(inside.folder("/mqueue")));
}

Result<void> make_devices(Files files, const Dev& dev, const Site& site) {
  const FileSystem wanted{
      .type = "tmpfs", .refusals = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, .options = {{"mode", "0755"}}};
  const MountPoint at = TRY(site.targets.folder(dev.target));
  const UniqueFd folder = TRY(mount_new(wanted, at));
  const Targets inside(folder.get(), ".", dev.target, 0755);
  for (auto& [name, tree] : files) {
    const MountPoint file = TRY(inside.file("/" + name));
    TRY(show(std::move(tree), MOUNT_ATTR_NOSUID, file));
  }
  TRY(make_links(folder, dev));
  TRY(mount_file_systems(inside, dev));
  if (!dev.writable) TRY(refuse(folder, MOUNT_ATTR_RDONLY, Depth::one_mount, dev.target));
  return {};
}

}  // namespace

Result<Step> prepare(const Dev& dev) {
  return Step(
      [&dev, files = TRY(take_files(dev))](Site& site) mutable { return make_devices(std::move(files), dev, site); });
}

}  // namespace wg4::container
