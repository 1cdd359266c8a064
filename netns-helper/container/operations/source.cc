#include "netns-helper/container/operations/source.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>

#include "netns-helper/container/mounts/folder_entries.h"
#include "netns-helper/container/mounts/mounts.h"
#include "shared/base/escaped_text.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4::container {
namespace {

namespace fs = std::filesystem;

Result<void> expect_absolute(const std::string& path) {
  const std::string what = "the source " + printable(path);
  if (!path.starts_with('/')) return fail(what + " is no absolute path", 0, "Begin it with /");
  if (path.contains('\0')) return fail(what + " has a byte of zero in it");
  return {};
}

std::string hint_for(int number) {
  if (number == ENOENT || number == ENOTDIR) return "Make it first, or let it be optional";
  if (number == EACCES) return "This user may not enter a folder on its way";
  if (number == EMFILE) return "Each source takes a descriptor: raise the limit with ulimit -n";
  return "";
}

}  // namespace

Result<Source> find_source(const std::string& path) {
  TRY(expect_absolute(path));
  Source found{.file = {}, .is_folder = true, .path = path};
  // First as a folder: that is what has an automounter mount it.
  found.file.reset(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!found.file.valid() && errno == ENOTDIR) {
    found.is_folder = false;
    found.file.reset(open(path.c_str(), O_PATH | O_CLOEXEC));
  }
  if (!found.file.valid()) return fail("find the source " + printable(path), errno, hint_for(errno));
  return found;
}

Result<Source> find_source(int descriptor) {
  const std::string name = "descriptor " + std::to_string(descriptor);
  struct stat open_file{};
  if (fstat(descriptor, &open_file) != 0) return fail("find the source that is open as " + name, errno);
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  const auto path = TRY(link_text(AT_FDCWD, link, link));
  if (!path || !path->starts_with('/')) return fail(name + " is neither a folder nor a file");
  Source found = TRY(find_source(*path));
  struct stat status{};
  if (fstat(found.file.get(), &status) != 0) return fail("look at the source " + printable(*path), errno);
  if (status.st_dev != open_file.st_dev || status.st_ino != open_file.st_ino)
    return fail("what is open as " + name + " is not what is now at its path, " + printable(*path));
  return found;
}

Result<Source> find_folder(const std::string& path) {
  Source found = TRY(find_source(path));
  if (!found.is_folder) return fail("the source " + printable(path) + " is no folder");
  return found;
}

Result<void> make_source(const std::string& path) {
  TRY(expect_absolute(path));
  constexpr mode_t mode = 0700;
  const fs::path normal = fs::path(path).lexically_normal();
  fs::path so_far;
  for (const fs::path& part : normal) {
    so_far /= part;
    struct stat status{};
    if (part.empty() || stat(so_far.c_str(), &status) == 0) continue;
    if (mkdir(so_far.c_str(), mode) != 0 && errno != EEXIST)
      return fail("make the source " + printable(so_far.string()), errno, hint_for(errno));
  }
  return {};
}

bool is_missing(const Error& error) { return error.number == ENOENT || error.number == ENOTDIR; }

Result<Refusals> refusals_of(const Source& source) {
  struct statvfs status{};
  if (fstatvfs(source.file.get(), &status) != 0)
    return fail("look at the mount of the source " + printable(source.path), errno);
  constexpr std::array<std::pair<unsigned long, Refusals>, 4> pairs{{{ST_RDONLY, MOUNT_ATTR_RDONLY},
                                                                     {ST_NOSUID, MOUNT_ATTR_NOSUID},
                                                                     {ST_NODEV, MOUNT_ATTR_NODEV},
                                                                     {ST_NOEXEC, MOUNT_ATTR_NOEXEC}}};
  Refusals refusals = 0;
  for (const auto& [has, refusal] : pairs)
    if ((status.f_flag & has) != 0) refusals |= refusal;
  return refusals;
}

}  // namespace wg4::container
