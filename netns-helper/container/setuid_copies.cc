#include "netns-helper/container/setuid_copies.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "shared/base/scope_exit.h"

namespace wg4::container {
namespace {

namespace fs = std::filesystem;

// Where the copies are made before they are mounted: a directory that every system has.
const fs::path stage = "/proc";

constexpr std::array plugin_folders{"/usr/libexec/sudo", "/usr/lib/sudo"};

constexpr mode_t of_program = 04755;
constexpr mode_t of_folder = 0755;

Result<void> give_to_root(const fs::path& path) {
  if (lchown(path.c_str(), 0, 0) != 0) return fail("give a copy of a program to root", errno);
  return {};
}

Result<void> set_mode(const fs::path& path, mode_t mode) {
  if (chmod(path.c_str(), mode) != 0) return fail("set the mode of a copy of a program", errno);
  return {};
}

Result<void> copy_program(const fs::path& from, const fs::path& to) {
  std::error_code error;
  if (!fs::copy_file(from, to, error)) return fail("copy " + from.string(), error.value());
  TRY(give_to_root(to));
  return set_mode(to, of_program);  // after the owner, a change of which clears the set-user-id bit
}

Result<void> copy_folder(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::copy_symlinks, error);
  if (error) return fail("copy " + from.string(), error.value());
  TRY(give_to_root(to));
  TRY(set_mode(to, of_folder));  // whatever our umask is
  for (const auto& entry : fs::recursive_directory_iterator(to, error)) TRY(give_to_root(entry.path()));
  if (error) return fail("give the copy of " + from.string() + " to root", error.value());
  return {};
}

Result<void> mount_over(const fs::path& copy, const fs::path& original) {
  if (mount(copy.c_str(), original.c_str(), nullptr, MS_BIND, nullptr) != 0)
    return fail("mount a copy over " + original.string(), errno);
  return {};
}

}  // namespace

std::string shadow_for_sudo(std::string_view passwd) {
  std::string text;
  while (!passwd.empty()) {
    const std::string_view line = passwd.substr(0, passwd.find('\n'));
    passwd.remove_prefix(std::min(line.size() + 1, passwd.size()));
    const std::string_view name = line.substr(0, line.find(':'));
    if (name.size() < line.size() && !name.empty()) text.append(name).append(":*:::::::\n");
  }
  return text;
}

Result<void> mount_setuid_copies(std::span<const std::string> programs) {
  if (mount("none", stage.c_str(), "tmpfs", MS_NODEV, "mode=0755") != 0)
    return fail("mount a folder for copies of programs", errno);
  const ScopeExit unstage([] { umount2(stage.c_str(), MNT_DETACH); });  // the copies stay where they are mounted
  int count = 0;
  for (const std::string& program : programs) {
    if (access(program.c_str(), R_OK | X_OK) != 0) continue;
    const fs::path copy = stage / std::to_string(count++);
    TRY(copy_program(program, copy));
    TRY(mount_over(copy, program));
  }
  for (const char* folder : plugin_folders) {
    if (access(folder, R_OK | X_OK) != 0) continue;
    const fs::path copy = stage / std::to_string(count++);
    TRY(copy_folder(folder, copy));
    TRY(mount_over(copy, folder));
  }
  return {};
}

}  // namespace wg4::container
