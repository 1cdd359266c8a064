#include "wg4netns/profile/profile_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <expected>
#include <filesystem>
#include <memory>
#include <ranges>
#include <system_error>
#include <utility>

#include "shared/base/escaped_text.h"
#include "shared/sys/deadline.h"
#include "shared/sys/read_all.h"
#include "wg4netns/profile/config_file.h"
#include "wg4netns/profile/profile_name.h"

namespace wg4 {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view ending = ".conf";
constexpr std::string_view edit_suffix = ".wg4netns-edit";
constexpr const char* editor_file =
    "process";  // in the folder of a copy: the PID of the process that edits it, for messages
constexpr mode_t only_this_user = 0600;

std::string file_of(const std::string& name) { return name + std::string(ending); }
std::string edit_folder_of(const std::string& name) { return "." + name + std::string(edit_suffix); }
std::string quoted(const std::string& name) { return "profile '" + printable(name) + "'"; }

UniqueFd open_directory(int folder, const char* name) {
  return UniqueFd(openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

bool lock_now(int fd) { return flock(fd, LOCK_EX | LOCK_NB) == 0; }

Result<std::vector<std::string>> entries_of(int folder, const std::string& path) {
  UniqueFd again(openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!again.valid()) return fail("open the folder " + path, errno);
  const std::unique_ptr<DIR, decltype([](DIR* each) { closedir(each); })> listing(fdopendir(again.get()));
  if (!listing) return fail("read the folder " + path, errno);
  static_cast<void>(again.release());  // the listing closes it
  std::vector<std::string> names;
  while (const dirent* each = readdir(listing.get())) names.emplace_back(static_cast<const char*>(each->d_name));
  return names;
}

/// To be called with the folder locked. Nobody writes or begins to edit then, so what has no lock has no owner.
void remove_remainders(int folder, const std::string& path) {
  const auto names = entries_of(folder, path);
  if (!names) return;
  for (const std::string& name : *names) {
    if (is_unfinished(name)) unlinkat(folder, name.c_str(), 0);
    if (!name.starts_with('.') || !name.ends_with(edit_suffix)) continue;
    const UniqueFd copy = open_directory(folder, name.c_str());
    std::error_code ignored;
    if (copy.valid() && lock_now(copy.get())) fs::remove_all(fs::path(path) / name, ignored);
  }
}

std::string editor_of(int copy) {
  constexpr std::size_t max_size = 64;
  const UniqueFd file(openat(copy, editor_file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file.valid()) return "(unknown)";
  const auto process = read_all(file.get(), editor_file, max_size, deadline_in(std::chrono::seconds(1)));
  return process ? printable(*process) : "(unknown)";
}

Result<void> lock_soon(int fd, const std::string& path) {
  constexpr std::chrono::seconds patience(10);
  constexpr int pause_ms = 20;
  const Deadline deadline = deadline_in(patience);
  while (!lock_now(fd)) {
    if (errno != EWOULDBLOCK && errno != EINTR)
      return fail("lock the folder " + path, errno, "Its file system must be one with locks (flock)");
    if (std::chrono::steady_clock::now() > deadline)
      return fail("another process has been changing profiles for 10 seconds", 0,
                  "See which: fuser -v " + path + ". Then try again");
    static_cast<void>(poll(nullptr, 0, pause_ms));
  }
  return {};
}

std::string hint_for_folder(int number) {
  if (number == ENOSPC || number == EDQUOT) return "Make space there; nothing was changed";
  if (number != EACCES && number != EPERM && number != EROFS) return "";
  return "The user who runs this program must be able to write there; XDG_CONFIG_HOME names another place";
}

/// Makes the folder, and those above it; in `made`, the ones that were missing, the innermost last.
Result<void> make_folders(const std::string& path, std::vector<std::string>& made) {
  std::error_code error;
  if (fs::exists(path, error)) return {};
  const std::string above = fs::path(path).parent_path().string();
  if (!above.empty() && above != path) TRY(make_folders(above, made));
  if (mkdir(path.c_str(), S_IRWXU) == 0) {
    made.push_back(path);
  } else if (errno != EEXIST) {
    const int number = errno;
    return fail("make the folder " + path, number, hint_for_folder(number));
  }
  return {};
}

void remove_folders(const std::vector<std::string>& made) {
  for (const std::string& path : std::views::reverse(made)) rmdir(path.c_str());
}

std::unexpected<Error> no_such(const std::string& name, const std::string& folder) {
  return fail(
      "there is no " + quoted(name), 0,
      "'wireguard4netns profile list' lists them; 'profile import FILE' makes one of a wg-quick file, in " + folder);
}

}  // namespace

Result<std::vector<std::string>> profile_names(const std::string& folder) {
  const UniqueFd fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) {
    if (errno == ENOENT) return std::vector<std::string>();
    return fail("open the folder " + folder, errno, "It is where profiles are, and must be readable for this user");
  }
  auto names = TRY(entries_of(fd.get(), folder));
  std::erase_if(names, [](const std::string& name) { return name.starts_with('.') || !name.ends_with(ending); });
  for (std::string& name : names) name.resize(name.size() - ending.size());
  std::ranges::sort(names);
  return names;
}

Result<ProfileFile> find_profile(const std::string& name) {
  ProfileFile file = TRY(find_profile_entry(name));
  file.path = TRY(locate_config(std::nullopt, name));
  return file;
}

Result<ProfileFile> find_profile_entry(const std::string& name) {
  TRY(check_profile_name(name));
  const std::string folder = TRY(profiles_folder());
  const std::string path = folder + "/" + file_of(name);
  struct stat info{};
  if (lstat(path.c_str(), &info) == 0) return ProfileFile{.path = path, .is_link = S_ISLNK(info.st_mode)};
  if (errno == ENOENT || errno == ENOTDIR) return no_such(name, folder);
  return fail("look at " + path, errno);
}

void tidy_up_profiles(const std::string& folder) {
  const UniqueFd fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.valid() && lock_now(fd.get())) remove_remainders(fd.get(), folder);
}

// ---------------------------------------------------------------- a copy in an editor

ProfileCopy::~ProfileCopy() {
  std::error_code ignored;
  if (lock_.valid()) fs::remove_all(folder_, ignored);
}

Result<std::string> ProfileCopy::keep() {
  std::string path = profiles_ + "/" + file_of(name_) + ".rejected";
  if (std::rename(path_.c_str(), path.c_str()) != 0 || chmod(path.c_str(), only_this_user) != 0)
    return fail("keep the copy as " + path, errno);
  return path;
}

// ---------------------------------------------------------------- a change

Result<ProfileChange> ProfileChange::begin(const std::string& folder, IfMissing if_missing) {
  std::vector<std::string> made;
  auto there = if_missing == IfMissing::make ? make_folders(folder, made) : Result<void>();
  ProfileChange change(folder, UniqueFd(), std::move(made));  // from here on what was made is removed after an error
  if (!there) return std::unexpected(std::move(there).error());
  change.fd_.reset(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!change.fd_.valid()) {
    const int number = errno;
    const bool is_missing = number == ENOENT && if_missing == IfMissing::fail;
    return fail("open the folder " + folder, number,
                is_missing ? "'wireguard4netns profile import FILE' makes it" : hint_for_folder(number));
  }
  TRY(lock_soon(change.fd_.get(), folder));
  remove_remainders(change.fd_.get(), folder);
  return change;
}

ProfileChange::ProfileChange(ProfileChange&& other) noexcept
    : folder_(std::move(other.folder_)), fd_(std::move(other.fd_)), made_(std::exchange(other.made_, {})) {}

ProfileChange::~ProfileChange() { remove_folders(made_); }

/// A folder that is there belongs to a running editor: begin() has removed those of processes that were killed.
Result<void> ProfileChange::expect_not_edited(const std::string& name) const {
  const UniqueFd copy = open_directory(fd_.get(), edit_folder_of(name).c_str());
  if (!copy.valid()) return {};
  return fail(quoted(name) + " is being edited by process " + editor_of(copy.get()), 0, "End that editor first");
}

Result<void> ProfileChange::write(const std::string& name, std::string_view text, IfThere if_there,
                                  const ProfileCopy* from) {
  if (from == nullptr || from->name() != name) TRY(expect_not_edited(name));
  struct stat info{};
  const bool there = fstatat(fd_.get(), file_of(name).c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
  if (there && if_there == IfThere::fail)
    return fail("there is a " + quoted(name) + " already", 0, "Choose another with --name, or give --replace");
  if (there && !S_ISREG(info.st_mode))
    return fail(folder_ + "/" + file_of(printable(name)) + " is no regular file, and not replaced", 0,
                "Remove it, or choose another name");
  auto written = write_whole_file(fd_.get(), file_of(name), text, if_there);
  if (written) {
    made_.clear();
    return {};
  }
  const int number = written.error().number;
  return fail("write " + quoted(name) + " in " + folder_, number, hint_for_folder(number));
}

Result<void> ProfileChange::remove(const std::string& name) {
  TRY(expect_not_edited(name));
  if (unlinkat(fd_.get(), file_of(name).c_str(), 0) == 0) return {};
  const int number = errno;
  if (number == EISDIR)
    return fail(quoted(name) + " is a directory, and not removed", 0,
                "rmdir " + folder_ + "/" + file_of(printable(name)));
  return fail("remove " + quoted(name) + " from " + folder_, number, hint_for_folder(number));
}

Result<void> ProfileChange::rename(const std::string& name, const std::string& to) {
  TRY(expect_not_edited(name));
  TRY(expect_not_edited(to));
  const auto renamed = rename_to_new(fd_.get(), file_of(name), file_of(to));
  if (renamed) return {};
  const int number = renamed.error().number;
  if (number == EEXIST) return fail("there is a " + quoted(to) + " already", 0, "Choose another name");
  return fail("rename " + quoted(name) + " in " + folder_, number, hint_for_folder(number));
}

Result<ProfileCopy> ProfileChange::begin_edit(const std::string& name, std::string_view text) {
  TRY(expect_not_edited(name));
  ProfileCopy copy;
  copy.name_ = name;
  copy.profiles_ = folder_;
  copy.folder_ = folder_ + "/" + edit_folder_of(name);
  copy.path_ = copy.folder_ + "/" + file_of(name);
  if (mkdir(copy.folder_.c_str(), S_IRWXU) != 0) {
    const int number = errno;
    return fail("make the folder " + copy.folder_, number, hint_for_folder(number));
  }
  copy.lock_ = open_directory(fd_.get(), edit_folder_of(name).c_str());  // from here on it is removed with `copy`
  if (!copy.lock_.valid()) return fail("open the folder " + copy.folder_, errno);
  if (!lock_now(copy.lock_.get())) return fail("lock the folder " + copy.folder_, errno);
  const int in = copy.lock_.get();
  auto written = write_whole_file(in, editor_file, std::to_string(getpid()), IfThere::fail);
  if (written) written = write_whole_file(in, file_of(name), text, IfThere::fail);
  if (written) return copy;
  const int number = written.error().number;
  return fail("copy " + quoted(name) + " for the editor, to " + copy.folder_, number, hint_for_folder(number));
}

}  // namespace wg4
