#include "shared/sys/unique_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <utility>

namespace wg4 {

Result<UniqueFile> UniqueFile::own(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const bool bare = slash == std::string::npos;
  UniqueFd directory(open(bare ? "." : path.substr(0, slash + 1).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return fail("open the folder of " + path, errno);
  std::string name = bare ? path : path.substr(slash + 1);
  UniqueFd file(openat(directory.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!file.valid()) return fail("look at " + path, errno);
  return own({std::move(directory), std::move(file), std::move(name)});
}

Result<UniqueFile> UniqueFile::own(Parts parts) {
  UniqueFile file;
  struct stat status{};
  if (fstat(parts.file.get(), &status) != 0) return fail("look at " + parts.name, errno);
  file.device_ = status.st_dev;
  file.inode_ = status.st_ino;
  file.parts_ = std::move(parts);
  return file;
}

UniqueFile& UniqueFile::operator=(UniqueFile&& other) noexcept {
  if (this != &other) {
    remove();
    parts_ = std::move(other.parts_);
    device_ = other.device_;
    inode_ = other.inode_;
  }
  return *this;
}

void UniqueFile::remove() {
  if (!parts_.directory.valid()) return;
  struct stat status{};
  const bool ours = fstatat(parts_.directory.get(), parts_.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                    status.st_dev == device_ && status.st_ino == inode_;
  if (ours) unlinkat(parts_.directory.get(), parts_.name.c_str(), 0);
  parts_ = {};
}

}  // namespace wg4
