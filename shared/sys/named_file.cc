#include "shared/sys/named_file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace wg4 {
namespace {

UniqueFd open_below(int folder, const std::string& path, int flags, mode_t mode, Links links) {
  open_how how{};
  how.flags = static_cast<unsigned>(flags);
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | (links == Links::none ? RESOLVE_NO_SYMLINKS : RESOLVE_NO_MAGICLINKS);
  constexpr int max_tries = 100;  // EAGAIN: something was renamed meanwhile
  UniqueFd fd;
  for (int i = 0; i < max_tries && !fd.valid() && (i == 0 || errno == EAGAIN); ++i)
    fd.reset(static_cast<int>(syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how)));
  return fd;
}

std::string hint_for(int number) {
  switch (number) {
    case ELOOP:
      return "Symbolic links are not followed there";
    case EXDEV:
      return "It would lead out of its folder";
    case ENOSYS:
      return "This kernel cannot open it without following links: that takes openat2(2), of Linux 5.6";
    default:
      return "";
  }
}

}  // namespace

Result<NamedFile> NamedFile::look(std::string name, UniqueFd place) {
  struct stat info{};
  if (fstat(place.get(), &info) != 0) return fail("look at " + name, errno);
  return NamedFile(std::move(name), std::move(place), info);
}

Result<NamedFile> NamedFile::find(const std::string& path, std::string name) {
  UniqueFd place(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!place.valid()) return fail("open " + name, errno);
  return look(std::move(name), std::move(place));
}

Result<NamedFile> NamedFile::find_below(int folder, const std::string& path, Links links, std::string name) {
  UniqueFd place = open_below(folder, path, O_PATH | O_CLOEXEC, 0, links);
  if (place.valid()) return look(std::move(name), std::move(place));
  const int number = errno;
  return fail("open " + name, number, hint_for(number));
}

const char* NamedFile::kind() const {
  if (is_regular()) return "a regular file";
  if (is_pipe()) return "a FIFO or pipe";
  if (is_directory()) return "a directory";
  if (S_ISSOCK(info_.st_mode)) return "a socket";
  return S_ISLNK(info_.st_mode) ? "a symbolic link" : "a device";
}

Result<void> NamedFile::expect_regular() const {
  if (is_regular()) return {};
  return fail(name_ + " is " + kind(), 0, "It must be a regular file");
}

Result<UniqueFd> NamedFile::open(int flags) const {
  const std::string again = "/proc/self/fd/" + std::to_string(place_.get());
  UniqueFd fd(::open(again.c_str(), flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) return fail("open " + name_, errno);
  return fd;
}

Result<UniqueFd> create_below(int folder, const std::string& path, mode_t mode, const std::string& name) {
  UniqueFd fd = open_below(folder, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode, Links::none);
  if (fd.valid()) return fd;
  const int number = errno;
  return fail("make " + name, number, hint_for(number));
}

Result<UniqueFd> open_folder(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return fail("open the folder " + path, errno);
  return fd;
}

}  // namespace wg4
