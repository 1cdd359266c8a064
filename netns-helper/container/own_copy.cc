#include "netns-helper/container/own_copy.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <map>
#include <system_error>
#include <utility>

#include "netns-helper/container/mounts/mounts.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/deadline.h"
#include "shared/sys/read_all.h"

namespace wg4::container {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_size = std::size_t{1} << 20;  // bytes, of one file
constexpr std::chrono::seconds patience{5};
constexpr mode_t mode = 0644;

using Texts = std::map<std::string, std::string>;  // by name

Texts read_files(const fs::path& folder) {
  Texts texts;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    std::error_code ignored;
    if (!entry.is_regular_file(ignored)) continue;
    const UniqueFd file(open(entry.path().c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!file.valid()) continue;
    auto text = read_all(file.get(), entry.path(), max_size, deadline_in(patience));
    if (text) texts[entry.path().filename()] = *std::move(text);
  }
  return texts;
}

Result<void> write_file(const fs::path& path, const std::string& text) {
  const UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!file.valid() || fchmod(file.get(), mode) != 0 || write(file.get(), text.data(), text.size()) != std::ssize(text))
    return fail("make a copy of " + path.string(), errno);
  return give_to_root(file, path);
}

}  // namespace

Result<void> mount_own_copy(const std::string& folder) {
  const Texts texts = read_files(folder);
  if (texts.empty()) return {};
  TRY(mount_tmpfs(folder, MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755,size=16m"));
  for (const auto& [name, text] : texts) TRY(write_file(fs::path(folder) / name, text));
  return make_read_only(folder);
}

}  // namespace wg4::container
