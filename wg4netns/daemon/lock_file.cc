#include "wg4netns/daemon/lock_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "shared/sys/namespaces.h"
#include "shared/sys/own_folder.h"

namespace wg4 {
namespace {

constexpr const char* file_name = "keys.lock";

/// Where the folder is made.
struct Place {
  std::string parent;
  std::string folder;  ///< below it
};

/// The same places for all programs of one user, as far as possible: whatever their environment, and inside of a user
/// namespace, too.
std::vector<Place> places() {
  const std::string uid = std::to_string(outer_uid());
  std::vector<Place> places;
  for (std::string& folder : runtime_folders()) places.push_back({std::move(folder), project_folder});
  places.push_back({"/run/user/" + uid, project_folder});
  places.push_back({"/tmp", std::string(project_folder) + "-" + uid});
  return places;
}

Result<UniqueFd> open_in(const Place& place) {
  const std::string path = place.parent + "/" + place.folder;
  const UniqueFd folder = TRY(open_own_folder(place.parent, place.folder, IfMissing::make));
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
