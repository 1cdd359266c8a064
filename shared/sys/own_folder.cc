#include "shared/sys/own_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "shared/sys/namespaces.h"

namespace wg4 {
namespace {

/// Does it belong to this user, or is it a place like /tmp, where nobody can remove what another user has made?
bool is_usable_parent(int folder) {
  struct stat info{};
  return fstat(folder, &info) == 0 && (info.st_uid == geteuid() || (info.st_mode & S_ISVTX) != 0);
}

Result<void> expect_closed(int folder, const std::string& path, OthersMay others) {
  struct stat info{};
  if (fstat(folder, &info) != 0) return fail("look at the folder " + path, errno);
  const bool may_read = others == OthersMay::read;
  const mode_t forbidden = may_read ? S_IWGRP | S_IWOTH : S_IRWXG | S_IRWXO;
  if (info.st_uid == geteuid() && (info.st_mode & forbidden) == 0) return {};
  return fail(
      may_read ? "other users can write to the folder " + path : "the folder " + path + " is open to other users", 0,
      "chmod 700 " + path);
}

}  // namespace

std::vector<std::string> runtime_folders() {
  std::vector<std::string> folders;
  if (geteuid() == 0 && outer_uid() == 0) folders.emplace_back("/run");
  if (const char* runtime = std::getenv("XDG_RUNTIME_DIR"); runtime != nullptr && *runtime == '/')
    folders.emplace_back(runtime);
  return folders;
}

Result<void> expect_own(int fd, const std::string& name, mode_t kind) {
  struct stat info{};
  if (fstat(fd, &info) != 0) return fail("look at " + name, errno);
  if (info.st_uid != geteuid() || (info.st_mode & S_IFMT) != kind || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return fail(name + " is not this user's alone", 0, "Remove it, or set XDG_RUNTIME_DIR to a folder of yours");
  return {};
}

Result<UniqueFd> open_own_folder(int parent, const std::string& parent_path, const std::string& name,
                                 IfMissing if_missing) {
  const std::string path = parent_path + "/" + name;
  if (!is_usable_parent(parent)) return fail(parent_path + " belongs to another user");
  if (if_missing == IfMissing::make && mkdirat(parent, name.c_str(), S_IRWXU) != 0 && errno != EEXIST)
    return fail("make the folder " + path, errno);
  UniqueFd folder(openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!folder.valid()) return fail("open the folder " + path, errno);
  TRY(expect_own(folder.get(), path, S_IFDIR));
  return folder;
}

Result<UniqueFd> open_own_folder(const std::string& parent, const std::string& name, IfMissing if_missing) {
  const UniqueFd folder(open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid()) return fail("open the folder " + parent, errno);
  return open_own_folder(folder.get(), parent, name, if_missing);
}

Result<UniqueFd> lock_own_folder(const std::string& path, OthersMay others) {
  if (mkdir(path.c_str(), S_IRWXU) != 0 && errno != EEXIST) return fail("make the folder " + path, errno);
  UniqueFd folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid()) return fail("open the folder " + path, errno);
  TRY(expect_closed(folder.get(), path, others));
  if (flock(folder.get(), LOCK_EX) != 0) return fail("lock the folder " + path, errno);
  return folder;
}

}  // namespace wg4
