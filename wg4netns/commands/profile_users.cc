#include "wg4netns/commands/profile_users.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <system_error>

#include "shared/base/escaped_text.h"
#include "shared/sys/log.h"
#include "shared/sys/own_folder.h"

namespace wg4 {
namespace {

namespace fs = std::filesystem;

bool same_name(const std::string& left, const std::string& right) {
  std::error_code error;
  return fs::absolute(left, error).lexically_normal() == fs::absolute(right, error).lexically_normal();
}

bool same_file(const std::string& left, const std::string& right) {
  struct stat one{};
  struct stat other{};
  return stat(left.c_str(), &one) == 0 && stat(right.c_str(), &other) == 0 && one.st_dev == other.st_dev &&
         one.st_ino == other.st_ino;
}

}  // namespace

std::vector<registry::Running> tunnels_with(const ProfileFile& profile, const std::vector<registry::Running>& running) {
  std::vector<registry::Running> found;
  std::ranges::copy_if(running, std::back_inserter(found), [&](const registry::Running& tunnel) {
    const std::string& config = tunnel.entry.config;
    if (config.empty()) return false;
    return same_name(config, profile.path) || (!profile.is_link && same_file(config, profile.path));
  });
  return found;
}

std::string to_string(const std::vector<registry::Running>& tunnels) {
  std::string text;
  for (const registry::Running& tunnel : tunnels)
    text.append(text.empty() ? "" : ", ")
        .append(printable(tunnel.entry.name))
        .append(" (process ")
        .append(std::to_string(tunnel.pid))
        .append(")");
  return text;
}

std::vector<registry::Running> find_running_or_warn() {
  if (runtime_folders().empty())
    log::warning(
        "XDG_RUNTIME_DIR is not set to an absolute path: tunnels that use profiles are not seen. Set it to this user's "
        "folder, /run/user/UID as a rule");
  return registry::find_running();
}

Result<void> expect_unused(const std::string& name, const ProfileFile& profile, const std::string& what, bool force) {
  const auto users = tunnels_with(profile, find_running_or_warn());
  if (users.empty()) return {};
  const std::string used = "profile '" + printable(name) + "' is used by " + to_string(users);
  if (!force)
    return fail(used, 0,
                "End that tunnel first, or " + what + " the profile with --force: then the tunnel cannot be reloaded");
  log::warning("{}, which cannot be reloaded any more", used);
  return {};
}

void tell_users_of_change(const ProfileFile& profile) {
  for (const registry::Running& tunnel : tunnels_with(profile, registry::find_running()))
    log::info("tunnel {} runs with the profile as it was: 'wireguard4netns reload {}' applies the change",
              printable(tunnel.entry.name), printable(tunnel.entry.name));
}

}  // namespace wg4
