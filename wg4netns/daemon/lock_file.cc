#include "wg4netns/daemon/lock_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "shared/sys/namespaces.h"

namespace wg4 {
namespace {

constexpr const char* file_name = "keys.lock";
constexpr const char* folder_name = "wireguard4netns";

/// Where the folder is made.
struct Place {
  std::string parent;
  std::string folder;  ///< below it
};

/// The same for all that one user starts, as far as that is possible: whatever the environment, and inside of a user
/// namespace, too.
std::vector<Place> places() {
  const uid_t uid = outer_uid();
  std::vector<Place> places;
  if (geteuid() == 0 && uid == 0) places.push_back({"/run", folder_name});
  if (const char* runtime = std::getenv("XDG_RUNTIME_DIR"); runtime != nullptr && *runtime == '/')
    places.push_back({runtime, folder_name});
  places.push_back({"/run/user/" + std::to_string(uid), folder_name});
  places.push_back({"/tmp", std::string(folder_name) + "-" + std::to_string(uid)});
  return places;
}

/// Is it ours, or a place like /tmp, where everybody owns what they make?
bool is_usable_parent(int folder) {
  struct stat info{};
  return fstat(folder, &info) == 0 && (info.st_uid == geteuid() || (info.st_mode & S_ISVTX) != 0);
}

Result<void> expect_own(int fd, const std::string& name, mode_t kind) {
  struct stat info{};
  if (fstat(fd, &info) != 0) return fail("look at " + name, errno);
  if (info.st_uid != geteuid() || (info.st_mode & S_IFMT) != kind || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return fail(name + " is not this user's alone", 0, "Remove it, or set XDG_RUNTIME_DIR to a folder of yours");
  return {};
}

Result<UniqueFd> open_in(const Place& place) {
  const std::string path = place.parent + "/" + place.folder;
  const UniqueFd parent(open(place.parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!parent.valid()) return fail("open the folder " + place.parent, errno);
  if (!is_usable_parent(parent.get())) return fail(place.parent + " belongs to another user");
  if (mkdirat(parent.get(), place.folder.c_str(), S_IRWXU) != 0 && errno != EEXIST)
    return fail("make the folder " + path, errno);
  const UniqueFd folder(
      openat(parent.get(), place.folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!folder.valid()) return fail("open the folder " + path, errno);
  TRY(expect_own(folder.get(), path, S_IFDIR));
  UniqueFd file(openat(folder.get(), file_name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                       S_IRUSR | S_IWUSR));
  if (!file.valid()) return fail("open " + path + "/" + file_name, errno);
  TRY(expect_own(file.get(), path + "/" + file_name, S_IFREG));
  return file;
}

}  // namespace

Result<UniqueFd> open_lock_file() {
  Result<UniqueFd> file = UniqueFd();
  for (const Place& place : places()) {
    file = open_in(place);
    if (file) break;
  }
  return file;
}

bool set_byte_lock(int file, off_t place, short type) {
  struct flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = place;
  lock.l_len = 1;
  return fcntl(file, F_OFD_SETLK, &lock) == 0;
}

}  // namespace wg4
