#include "wg4netns/commands/wg_command.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "shared/sys/log.h"
#include "shared/sys/own_namespaces.h"
#include "wg4netns/uapi/control_socket.h"

namespace wg4 {
namespace {

constexpr int not_found = 127;  // as in a shell
constexpr int not_executable = 126;

// The new /run is put together here, and then moved into its place: a folder that every system has.
constexpr const char* stage = "/proc";

/// Mounts another /run, with `own` as its folder wireguard, since nobody but root can make one in the old /run. Links
/// lead to everything that the old one has: wg may need it to look up names.
Result<void> replace_run(const std::string& own) {
  const std::string staged(stage);
  const std::string old = staged + "/.run";
  const std::string place = staged + "/wireguard";
  std::error_code error;
  const std::filesystem::directory_iterator entries("/run", error);
  if (error) return fail("list /run", error.value());
  if (mount("none", stage, "tmpfs", MS_NODEV | MS_NOSUID, "mode=0755") != 0) return fail("mount another /run", errno);
  if (mkdir(old.c_str(), 0755) != 0 || mkdir(place.c_str(), 0755) != 0) return fail("fill another /run", errno);
  if (mount("/run", old.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0 ||
      mount(own.c_str(), place.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0)
    return fail("show " + own + " in another /run", errno);
  for (const auto& entry : entries) {
    const std::string name = entry.path().filename();
    const std::string link = std::string(staged).append("/").append(name);
    if (symlink((".run/" + name).c_str(), link.c_str()) != 0) return fail("fill another /run", errno);
  }
  if (mount(stage, "/run", nullptr, MS_MOVE, nullptr) != 0) return fail("mount another /run", errno);
  return {};
}

Result<void> show_to_wg(const std::string& own) {
  TRY(make_own_namespaces_as_same_user(CLONE_NEWNS, "make a mount namespace in which wg finds this user's tunnels"));
  TRY(make_mounts_private());
  if (mount(own.c_str(), uapi::system_folder, nullptr, MS_BIND | MS_REC, nullptr) == 0) return {};
  if (errno != ENOENT) return fail(std::string("show ") + own + " as " + uapi::system_folder, errno);
  return replace_run(own);
}

/// Are this user's sockets in `own`? A user who can write to the system's folder has them there, where wg finds them.
bool has_own_folder(const std::string& own) {
  return faccessat(AT_FDCWD, uapi::system_folder, W_OK | X_OK, AT_EACCESS) != 0 &&
         faccessat(AT_FDCWD, own.c_str(), R_OK | X_OK, AT_EACCESS) == 0;
}

}  // namespace

Parsed<WgCommand> parse_wg(const Arguments& arguments) {
  return WgCommand{{arguments.words.begin(), arguments.words.end()}};
}

Result<void> run_wg(const WgCommand& command) {
  if (const auto own = uapi::user_folder(); own && has_own_folder(*own)) TRY(show_to_wg(*own));
  std::vector<std::string> words{"wg"};
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execvp("wg", argv.data());
  const int number = errno;
  log::error("wg: {}. {}", std::strerror(number),
             number == ENOENT ? "It is in the package wireguard-tools; 'wireguard4netns show' needs none" : "");
  std::exit(number == ENOENT ? not_found : not_executable);
}

}  // namespace wg4
