#include "shared/sys/whole_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>

#include "shared/base/unique_fd.h"

namespace wg4 {
namespace {

constexpr std::string_view suffix = ".wg4netns-new";
constexpr mode_t only_this_user = 0600;

Result<void> write_draft(int folder, const std::string& draft, std::string_view text) {
  unlinkat(folder, draft.c_str(), 0);  // of a process that was killed
  const UniqueFd file(
      openat(folder, draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, only_this_user));
  if (!file.valid()) return fail("make a file", errno);
  TRY(write_all(file.get(), text));
  if (fchmod(file.get(), only_this_user) != 0) return fail("set its mode", errno);
  if (fsync(file.get()) != 0) return fail("write", errno);
  return {};
}

Result<void> give_name(int folder, const std::string& draft, const std::string& name, IfThere if_there) {
  if (if_there == IfThere::fail) return rename_to_new(folder, draft, name);
  if (renameat(folder, draft.c_str(), folder, name.c_str()) != 0) return fail("name it", errno);
  return {};
}

}  // namespace

Result<void> write_whole_file(int folder, const std::string& name, std::string_view text, IfThere if_there) {
  const std::string draft = "." + name + std::string(suffix);
  auto done = write_draft(folder, draft, text);
  if (done) done = give_name(folder, draft, name, if_there);
  if (!done) {
    unlinkat(folder, draft.c_str(), 0);
    return done;
  }
  static_cast<void>(fsync(folder));  // some file systems cannot; the file is there all the same
  return {};
}

Result<void> rename_to_new(int folder, const std::string& name, const std::string& to) {
  if (renameat2(folder, name.c_str(), folder, to.c_str(), RENAME_NOREPLACE) == 0) return {};
  if (errno != EINVAL && errno != ENOSYS) return fail("name it", errno);
  // Not all file systems can do that; those have hard links.
  if (linkat(folder, name.c_str(), folder, to.c_str(), 0) != 0) return fail("name it", errno);
  unlinkat(folder, name.c_str(), 0);
  return {};
}

bool is_unfinished(std::string_view name) { return name.starts_with('.') && name.ends_with(suffix); }

Result<void> write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno != EINTR) return fail("write", errno);
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace wg4
