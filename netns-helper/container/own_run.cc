#include "netns-helper/container/own_run.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "netns-helper/container/mounts/mounts.h"
#include "shared/base/escaped_text.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/own_folder.h"

namespace wg4::container {
namespace {

namespace fs = std::filesystem;

constexpr const char* run = "/run";
constexpr const char* var_run = "/var/run";

/// Data of the host's that programs read, and no way to a service.
constexpr std::array data{
    "udev/data",      "udev/tags",                                                       // of devices
    "current-system", "booted-system", "opengl-driver", "opengl-driver-32", "wrappers",  // NixOS
};
/// Folders and links that stay as they are.
constexpr std::array places{"media", "shm"};

/// What the desktop needs of the runtime folder. gnupg's dirmngr is not among it: it looks up names for others.
constexpr std::array desktop{
    "wayland-*",        "pipewire-*",   "pulse",          "gnupg/S.gpg-agent*",     "gnupg/S.keyboxd",
    "gnupg/S.scdaemon", "ICEauthority", "gdm/Xauthority", ".mutter-Xwaylandauth.*", "xauth_*",
};
/// What belongs to the session bus: the bus of assistive technology, and the files that portals hand out.
constexpr std::array session_bus{"bus", "at-spi/bus*", "doc"};

/// The folders of the host's that are covered, by their real paths.
struct Covered {
  std::vector<std::string> folders;

  [[nodiscard]] static Covered find() {
    Covered covered;
    for (const char* folder : {run, var_run}) {
      std::error_code error;
      const fs::path real = fs::canonical(folder, error);
      if (!error) covered.folders.push_back(real);
    }
    return covered;
  }

  /// The path below /run of what is at the real path `path`; nothing for a place outside.
  [[nodiscard]] std::optional<std::string> place(const std::string& path) const {
    for (const std::string& folder : folders)
      if (path.starts_with(folder + "/")) return path.substr(folder.size() + 1);
    return std::nullopt;
  }
};

enum class Writing : std::uint8_t { as_there, none };

/// Something of the host's that is seen.
struct Kept {
  std::string source;
  std::string link;  ///< the text of a link, or:
  UniqueFd tree;
  bool folder = false;
  Writing writing = Writing::as_there;
};

/// By the path below /run.
using KeptPlaces = std::map<std::string, Kept>;

/// Keeps what is behind `source`, if there is something of one of the kinds (S_IFMT) that this user can see.
Result<void> keep(KeptPlaces& kept, const std::string& source, const std::string& place,
                  std::initializer_list<mode_t> kinds, Writing writing) {
  struct stat status{};
  if (stat(source.c_str(), &status) != 0) return {};
  if (std::ranges::find(kinds, status.st_mode & S_IFMT) == kinds.end()) return {};
  auto tree = copy_tree(source);
  if (!tree && tree.error().number == ENOENT) return {};  // it has just gone
  if (!tree) return std::unexpected(tree.error());
  kept[place] = {source, "", std::move(*tree), S_ISDIR(status.st_mode), writing};
  return {};
}

/// Keeps a link of /run as a link, and a folder.
Result<void> keep_place(KeptPlaces& kept, const std::string& place, Writing writing) {
  const std::string source = std::string(run) + "/" + place;
  std::error_code error;
  const fs::path link = fs::read_symlink(source, error);
  if (error) return keep(kept, source, place, {S_IFDIR}, writing);
  kept[place] = {.source = source, .link = link, .tree = {}};
  return {};
}

/// Keeps what fits a pattern for the runtime folder `source`, which is at `place`.
Result<void> keep_matching(KeptPlaces& kept, const std::string& source, const std::string& place,
                           const fs::path& pattern, Writing writing) {
  const fs::path folder = fs::path(source) / pattern.parent_path();
  std::error_code error;
  for (auto entry = fs::directory_iterator(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (fnmatch(pattern.filename().c_str(), name.c_str(), 0) != 0) continue;
    const std::string kept_place = fs::path(place) / pattern.parent_path() / name;
    TRY(keep(kept, entry->path(), kept_place, {S_IFSOCK, S_IFREG, S_IFDIR}, writing));
  }
  return {};
}

std::string real_path(const std::string& path) {
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  return error ? fs::path(path).lexically_normal() : real;
}

/// Keeps what an environment variable leads to: by the variable's name for it, also if that is a link.
Result<void> keep_file(KeptPlaces& kept, const Covered& covered, const std::string& runtime, const std::string& file) {
  const fs::path path(file);
  if (!path.is_absolute() || !path.has_filename()) return {};
  const std::string named = fs::path(real_path(path.parent_path())) / path.filename();
  const auto place = covered.place(named);
  if (!place) return {};
  if (!runtime.empty() && named.starts_with(runtime + "/" + project_folder + "/")) return {};
  TRY(keep(kept, named, *place, {S_IFREG}, Writing::as_there));
  if (!runtime.empty() && named.starts_with(runtime + "/"))
    TRY(keep(kept, named, *place, {S_IFSOCK}, Writing::as_there));
  return {};
}

Result<void> make_folder(const std::string& path, mode_t mode) {
  // The process' mask must not take from the mode.
  if (mkdir(path.c_str(), mode) == 0 && chmod(path.c_str(), mode) == 0) return {};
  if (errno == EEXIST) return {};
  return fail("make the folder " + printable(path), errno);
}

/// Makes the folders between /run and the last part of `path`.
Result<void> make_parents(const std::string& path) {
  constexpr mode_t mode = 0755;
  for (auto slash = path.find('/', std::string_view(run).size() + 1); slash != std::string::npos;
       slash = path.find('/', slash + 1))
    TRY(make_folder(path.substr(0, slash), mode));
  return {};
}

Result<void> show(const Kept& kept, const std::string& path) {
  TRY(make_parents(path));
  if (!kept.link.empty()) {
    if (symlink(kept.link.c_str(), path.c_str()) != 0) return fail("make the link " + printable(path), errno);
    return {};
  }
  constexpr mode_t folder_mode = 0755;
  constexpr mode_t file_mode = 0600;
  if (kept.folder) TRY(make_folder(path, folder_mode));
  if (!kept.folder && !UniqueFd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file_mode)).valid())
    return fail("make " + printable(path), errno);
  TRY(attach(kept.tree, path));
  if (kept.writing == Writing::none) TRY(make_read_only(path));
  return {};
}

/// The runtime folder as it is seen here.
struct Runtime {
  std::string real;                  ///< empty: there is none
  std::optional<std::string> place;  ///< below /run, if it is there
};

Runtime find_runtime(const Covered& covered, const std::string& folder) {
  if (!folder.starts_with('/')) return {};
  const std::string real = real_path(folder);
  if (std::ranges::find(covered.folders, real) != covered.folders.end()) return {};
  return {real, covered.place(real)};
}

Result<KeptPlaces> choose(const RunSettings& settings, const Covered& covered, const Runtime& runtime) {
  KeptPlaces kept;
  for (const char* place : data) TRY(keep_place(kept, place, Writing::none));
  for (const char* place : places) TRY(keep_place(kept, place, Writing::as_there));
  if (settings.system_bus)
    TRY(keep(kept, "/run/dbus/system_bus_socket", "dbus/system_bus_socket", {S_IFSOCK}, Writing::as_there));
  if (runtime.place) {
    // A folder is kept for what is in it: nothing of the command's may be left there.
    for (const char* pattern : desktop) TRY(keep_matching(kept, runtime.real, *runtime.place, pattern, Writing::none));
    if (settings.session_bus)
      for (const char* pattern : session_bus)
        TRY(keep_matching(kept, runtime.real, *runtime.place, pattern, Writing::as_there));
  }
  for (const std::string& file : settings.files) TRY(keep_file(kept, covered, runtime.real, file));
  return kept;
}

Result<void> fill(const KeptPlaces& kept, const Runtime& runtime) {
  constexpr mode_t own_mode = 0700;
  constexpr mode_t lock_mode = 01777;
  const std::string below = std::string(run) + "/";
  if (runtime.place) {
    TRY(make_parents(below + *runtime.place));
    TRY(make_folder(below + *runtime.place, own_mode));
    TRY(make_folder(below + *runtime.place + "/gnupg", own_mode));  // gpg refuses one that is open to others
  }
  TRY(make_folder(below + "lock", lock_mode));
  for (const auto& [place, source] : kept) TRY(show(source, below + place));
  return {};
}

/// Covers /var/run, too, if it is not a link to /run: a folder of its own, or the host's /run by another mount.
Result<void> cover_var_run() {
  struct stat own{};
  struct stat other{};
  if (stat(run, &own) != 0) return fail(std::string("look at ") + run, errno);
  if (stat(var_run, &other) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return {};
    return fail(std::string("look at ") + var_run, errno);
  }
  if (own.st_dev == other.st_dev && own.st_ino == other.st_ino) return {};
  return attach(TRY(copy_tree(run)), var_run);
}

/// Makes a folder with its parents, below a folder of this user's: false if there is none, or it cannot be written to.
Result<bool> make_own(const fs::path& path) {
  constexpr mode_t mode = 0700;
  struct stat parent{};
  if (stat(path.parent_path().c_str(), &parent) != 0) {
    if (errno != ENOENT) return fail("look at " + printable(path.parent_path().string()), errno);
    if (!TRY(make_own(path.parent_path()))) return false;
  } else if (parent.st_uid != geteuid()) {
    return false;
  }
  if (mkdir(path.c_str(), mode) == 0) return true;
  if (errno == EROFS || errno == EACCES || errno == EPERM) return false;
  return fail("make the folder " + printable(path.string()), errno);
}

}  // namespace

Result<std::vector<std::string>> mount_own_run(const RunSettings& settings) {
  const Covered covered = Covered::find();
  const Runtime runtime = find_runtime(covered, settings.runtime_folder);
  const KeptPlaces kept = TRY(choose(settings, covered, runtime));

  TRY(mount_tmpfs(run, MS_NOSUID | MS_NODEV, "mode=0755,size=10%"));
  TRY(give_to_root(UniqueFd(open(run, O_PATH | O_DIRECTORY | O_CLOEXEC)), run));
  TRY(fill(kept, runtime));
  TRY(cover_var_run());

  std::vector<std::string> reachable;
  for (const auto& [place, source] : kept) reachable.push_back(source.source);
  if (runtime.real.empty() || runtime.place) return reachable;
  for (const char* folder : {"wireguard", project_folder})
    static_cast<void>(TRY(hide_folder(runtime.real + "/" + folder)));  // one that cannot be made stays missing
  reachable.push_back(runtime.real);
  return reachable;
}

Result<bool> hide_folder(const std::string& path) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) {
    if (errno != ENOENT) return fail("look at " + printable(path), errno);
    if (!TRY(make_own(fs::path(path).lexically_normal()))) return false;
  }
  TRY(mount_tmpfs(path, MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0555,size=4k,nr_inodes=2"));
  return true;
}

}  // namespace wg4::container
