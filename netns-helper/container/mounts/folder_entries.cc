#include "netns-helper/container/mounts/folder_entries.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "shared/base/escaped_text.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4::container {
namespace {

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};

}  // namespace

Result<std::set<std::string>> names_in(int folder, const std::string& path) {
  UniqueFd fd(openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));  // which begins at the first entry
  const std::unique_ptr<DIR, CloseFolder> stream(fd.valid() ? fdopendir(fd.get()) : nullptr);
  if (!stream) return fail("read the folder " + printable(path), errno);
  static_cast<void>(fd.release());
  std::set<std::string> names;
  errno = 0;
  for (const dirent* found = readdir(stream.get()); found != nullptr; found = readdir(stream.get()))
    if (std::strcmp(found->d_name, ".") != 0 && std::strcmp(found->d_name, "..") != 0) names.insert(found->d_name);
  if (errno != 0) return fail("read the folder " + printable(path), errno);
  return names;
}

Result<std::optional<std::string>> link_text(int folder, const std::string& name, const std::string& path) {
  std::array<char, PATH_MAX> text{};
  const ssize_t size = readlinkat(folder, name.c_str(), text.data(), text.size());
  if (size >= 0) return std::string(text.data(), static_cast<std::size_t>(size));
  if (errno == EINVAL) return std::nullopt;
  return fail("look at " + printable(path), errno);
}

}  // namespace wg4::container
