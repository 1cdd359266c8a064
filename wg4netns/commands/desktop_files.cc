#include "wg4netns/commands/desktop_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <expected>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "shared/base/unique_fd.h"
#include "shared/sys/deadline.h"
#include "shared/sys/named_file.h"
#include "shared/sys/read_all.h"

namespace wg4 {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds patience{10};  // for a file system that does not answer
constexpr std::string_view suffix = ".desktop";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// The paths in a list that colons separate; those that are not absolute are left out.
std::vector<std::string> absolute_paths(std::string_view list) {
  std::vector<std::string> paths;
  while (!list.empty()) {
    const std::string_view path = list.substr(0, list.find(':'));
    list.remove_prefix(std::min(list.size(), path.size() + 1));
    if (path.starts_with('/')) paths.emplace_back(path);
  }
  return paths;
}

Result<std::string> data_home() {
  if (std::string path = environment("XDG_DATA_HOME"); path.starts_with('/')) return path;
  const std::string home = environment("HOME");
  if (!home.starts_with('/'))
    return fail("HOME is not set", 0, "Set it: entries of menus are in ~/.local/share/applications");
  return home + "/.local/share";
}

/// The first folder that has an entry counts. Those of Flatpak and snap come last, since this shell's XDG_DATA_DIRS may
/// lack them: what is found there is refused with the reason.
Result<std::vector<std::string>> application_folders() {
  const std::string home = TRY(data_home());
  std::string others = environment("XDG_DATA_DIRS");
  if (others.empty()) others = "/usr/local/share:/usr/share";
  std::vector<std::string> folders{home + "/applications"};
  for (const std::string& path : absolute_paths(others)) folders.push_back(path + "/applications");
  for (const std::string& path : {home + "/flatpak/exports/share", std::string("/var/lib/flatpak/exports/share"),
                                  std::string("/var/lib/snapd/desktop")})
    folders.push_back(path + "/applications");
  return folders;
}

/// All entries of a folder and those below; an id has '-' where the path has '/'.
std::vector<FoundEntry> entries_in(const std::string& folder) {
  std::vector<FoundEntry> entries;
  std::error_code error;
  for (auto at = fs::recursive_directory_iterator(folder, fs::directory_options::skip_permission_denied, error);
       !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    const std::string path = at->path().string();
    if (!path.ends_with(suffix)) continue;
    std::string id = path.substr(folder.size() + 1);
    std::ranges::replace(id, '/', '-');
    entries.push_back({std::move(id), path});
  }
  return entries;
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

std::string similar(const std::vector<FoundEntry>& entries, const std::string& wanted) {
  constexpr std::size_t max_shown = 5;
  std::vector<std::string> ids;
  for (const FoundEntry& entry : entries)
    if (lower(entry.id).contains(lower(wanted)) && std::ranges::find(ids, entry.id) == ids.end())
      ids.push_back(entry.id);
  std::ranges::sort(ids);
  if (ids.empty()) return "They are the files *.desktop in /usr/share/applications and the like";
  std::string text = "There is";
  for (std::size_t i = 0; i < std::min(ids.size(), max_shown); ++i) text += (i == 0 ? " " : ", ") + ids[i];
  return ids.size() > max_shown ? text + ", ..." : text;
}

Result<void> write_all(const UniqueFd& fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = write(fd.get(), text.data(), text.size());
    if (written < 0 && errno != EINTR) return fail("write " + path, errno);
    text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
  }
  if (fsync(fd.get()) != 0) return fail("write " + path, errno);
  return {};
}

Result<void> expect_free_or_ours(const std::string& path) {
  struct stat info{};
  if (lstat(path.c_str(), &info) != 0 && errno == ENOENT) return {};
  const auto entry = read_entry(path);
  if (entry && desktop::mark_of(*entry)) return {};
  return fail(path + " is there already, and was not made by wireguard4netns desktop add", 0, "Remove it first");
}

}  // namespace

Result<std::string> own_applications() { return TRY(data_home()) + "/applications"; }

Result<FoundEntry> find_application(const std::string& id) {
  const std::string wanted = id.ends_with(suffix) ? id : id + std::string(suffix);
  std::vector<FoundEntry> all;
  for (const std::string& folder : TRY(application_folders())) {
    for (FoundEntry& entry : entries_in(folder)) {
      if (entry.id == wanted) return std::move(entry);
      all.push_back(std::move(entry));
    }
  }
  return fail("no application of the name " + id, 0, similar(all, id));
}

Result<desktop::DesktopEntry> read_entry(const std::string& path) {
  const NamedFile file = TRY(NamedFile::find(path, path));
  TRY(file.expect_regular());
  const UniqueFd fd = TRY(file.open(O_RDONLY));
  const std::string text = TRY(read_all(fd.get(), path, desktop::max_entry_size, deadline_in(patience)));
  auto entry = desktop::DesktopEntry::parse(text);
  return entry ? std::move(entry) : fail_in(path, std::move(entry).error());
}

Result<std::vector<OwnEntry>> find_own_entries() {
  std::vector<OwnEntry> entries;
  for (const FoundEntry& found : entries_in(TRY(own_applications()))) {
    if (!found.id.starts_with("wireguard4netns-")) continue;
    const auto entry = read_entry(found.path);
    if (!entry) continue;
    if (auto mark = desktop::mark_of(*entry)) entries.push_back({*std::move(mark), found.path});
  }
  std::ranges::sort(entries, {}, &OwnEntry::path);
  return entries;
}

Result<void> write_entry(const std::string& folder, const std::string& name, const std::string& text) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return fail("make the folder " + folder, error.value());
  const std::string path = folder + "/" + name;
  TRY(expect_free_or_ours(path));
  std::string temporary = folder + "/.wireguard4netns-XXXXXX";
  const UniqueFd fd(mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd.valid()) return fail("make a file in " + folder, errno);
  constexpr mode_t mode = 0644;
  auto written = write_all(fd, text, path);
  if (written && fchmod(fd.get(), mode) != 0) written = fail("write " + path, errno);
  if (written && rename(temporary.c_str(), path.c_str()) != 0) written = fail("write " + path, errno);
  if (!written) unlink(temporary.c_str());
  return written;
}

}  // namespace wg4
