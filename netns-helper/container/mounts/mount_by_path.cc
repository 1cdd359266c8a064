#include "netns-helper/container/mounts/mount_by_path.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "netns-helper/container/mounts/mounts.h"
#include "netns-helper/container/mounts/rooted_path.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4::container::by_path {
namespace {

static_assert(MOUNT_ATTR_RDONLY == MS_RDONLY && MOUNT_ATTR_NOSUID == MS_NOSUID && MOUNT_ATTR_NODEV == MS_NODEV &&
              MOUNT_ATTR_NOEXEC == MS_NOEXEC);

/// The flags of mount(2) that a mount has, which a remount would otherwise take from it.
unsigned long flags_of(const struct statvfs& status) {
  constexpr std::array<std::pair<unsigned long, unsigned long>, 7> pairs{{{ST_RDONLY, MS_RDONLY},
                                                                          {ST_NOSUID, MS_NOSUID},
                                                                          {ST_NODEV, MS_NODEV},
                                                                          {ST_NOEXEC, MS_NOEXEC},
                                                                          {ST_NOATIME, MS_NOATIME},
                                                                          {ST_NODIRATIME, MS_NODIRATIME},
                                                                          {ST_RELATIME, MS_RELATIME}}};
  unsigned long flags = 0;
  for (const auto& [has, flag] : pairs)
    if ((status.f_flag & has) != 0) flags |= flag;
  return flags;
}

Result<void> refuse_one(const UniqueFd& mounted, Refusals refusals, const std::string& shown) {
  struct statvfs status{};
  if (fstatvfs(mounted.get(), &status) != 0) return mount_refused("look at the mount of", shown, errno);
  const unsigned long flags = MS_REMOUNT | MS_BIND | flags_of(status) | refusals;
  if (mount(nullptr, path_of(mounted).c_str(), nullptr, flags, nullptr) != 0)
    return mount_refused("change the mount of", shown, errno);
  return {};
}

/// A path of /proc/PID/mountinfo has blanks and backslashes as three octal digits.
std::string unescape_octal(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 3 >= text.size()) {
      result += text[i];
      continue;
    }
    const int code = (text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0');
    result += static_cast<char>(code);
    i += 3;
  }
  return result;
}

struct Mount {
  int id = 0;
  std::string path;
};

/// All mounts that this process can reach, by the number of what they are mounted on.
Result<std::multimap<int, Mount>> read_mounts() {
  std::multimap<int, Mount> mounts;
  std::ifstream file("/proc/self/mountinfo");
  if (!file) return fail("read /proc/self/mountinfo", errno);
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    int parent = 0;
    Mount found;
    std::string skipped;
    fields >> found.id >> parent >> skipped >> skipped >> found.path;
    found.path = unescape_octal(found.path);
    mounts.emplace(parent, std::move(found));
  }
  return mounts;
}

/// The number of the mount that an open file is in; -1 if the kernel does not say.
int mount_id(const UniqueFd& file) {
  std::ifstream facts("/proc/self/fdinfo/" + std::to_string(file.get()));
  for (std::string word; facts >> word;)
    if (int id = -1; word == "mnt_id:" && facts >> id) return id;
  return -1;
}

/// The paths of all mounts below that of this number, as this process sees them, each after what it is mounted on.
std::vector<Mount> mounts_below(const std::multimap<int, Mount>& mounts, int id) {
  std::vector<Mount> below;
  std::vector<int> pending{id};
  while (!pending.empty()) {
    const auto [from, to] = mounts.equal_range(std::exchange(pending.back(), -1));
    pending.pop_back();
    for (auto each = from; each != to; ++each) {
      below.push_back(each->second);
      pending.push_back(each->second.id);
    }
  }
  return below;
}

/// Where the mount of this number is, as this process sees it.
std::string path_of_mount(const std::multimap<int, Mount>& mounts, int id) {
  for (const auto& [parent, each] : mounts)
    if (each.id == id) return each.path;
  return "";
}

Result<UniqueFd> seen_at(const MountPoint& at) {
  UniqueFd seen = open_below(at.folder.get(), at.path, O_PATH);
  if (!seen.valid()) return mount_refused("find what is mounted at", at.shown, errno);
  return seen;
}

}  // namespace

Result<UniqueFd> bind(const Tree& tree, const MountPoint& at) {
  if (mount(path_of(tree.file).c_str(), path_of(at.file).c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0)
    return mount_refused("mount " + tree.shown + " at", at.shown, errno);
  return seen_at(at);
}

Result<UniqueFd> mount_new(const FileSystem& wanted, const MountPoint& at) {
  std::string options;
  for (const auto& [name, value] : wanted.options) {
    options.append(options.empty() ? "" : ",").append(name);
    if (!value.empty()) options.append("=").append(value);
  }
  const std::string& type = wanted.type;
  if (mount(type.c_str(), path_of(at.file).c_str(), type.c_str(), wanted.refusals, options.c_str()) != 0)
    return mount_refused("mount " + type + " at", at.shown, errno);
  return seen_at(at);
}

Result<void> refuse(const UniqueFd& mount, Refusals refusals, Depth depth, const std::string& shown) {
  TRY(refuse_one(mount, refusals, shown));
  if (depth == Depth::one_mount) return {};
  const auto mounts = TRY(read_mounts());
  const int id = mount_id(mount);
  const std::string top = path_of_mount(mounts, id);
  for (const Mount& each : mounts_below(mounts, id)) {
    const std::string path = top == "/" ? each.path : each.path.substr(top.size());
    const UniqueFd file = open_below(mount.get(), path, O_PATH);
    // What is covered by another mount is not found by its path, and by nobody else either.
    if (file.valid() && mount_id(file) == each.id) TRY(refuse_one(file, refusals, each.path));
  }
  return {};
}

Result<void> make_private(const UniqueFd& mounted, const std::string& shown) {
  if (mount(nullptr, path_of(mounted).c_str(), nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return mount_refused("keep later mounts from", shown, errno);
  return {};
}

}  // namespace wg4::container::by_path
