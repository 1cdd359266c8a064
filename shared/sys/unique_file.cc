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
  return own(std::move(directory), bare ? path : path.substr(slash + 1));
}

Result<UniqueFile> UniqueFile::own(UniqueFd directory, std::string name) {
  UniqueFile file;
  struct stat status{};
  if (fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return fail("look at " + name, errno);
  file.name_ = std::move(name);
  file.device_ = status.st_dev;
  file.inode_ = status.st_ino;
  file.directory_ = std::move(directory);
  return file;
}

UniqueFile& UniqueFile::operator=(UniqueFile&& other) noexcept {
  if (this != &other) {
    remove();
    directory_ = std::move(other.directory_);
    name_ = std::move(other.name_);
    device_ = other.device_;
    inode_ = other.inode_;
  }
  return *this;
}

void UniqueFile::remove() {
  if (!directory_.valid()) return;
  struct stat status{};
  const bool ours = fstatat(directory_.get(), name_.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                    status.st_dev == device_ && status.st_ino == inode_;
  if (ours) unlinkat(directory_.get(), name_.c_str(), 0);
  directory_.reset();
}

}  // namespace wg4
