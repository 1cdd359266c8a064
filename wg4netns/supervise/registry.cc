#include "wg4netns/supervise/registry.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <expected>
#include <memory>
#include <utility>

#include "shared/base/escaped_text.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/deadline.h"
#include "shared/sys/process_identity.h"
#include "shared/sys/read_all.h"

namespace wg4::registry {
namespace {

constexpr const char* folder_name = "tunnels";
constexpr std::string_view unfinished = ".new";  // at the end of the name of a file that is being written
constexpr std::size_t max_size = std::size_t{64} * 1024;
constexpr std::chrono::seconds patience{1};
constexpr mode_t only_this_user = 0600;

struct Key {
  std::string_view name;
  std::string Entry::* value;
};
constexpr std::array keys{Key{"name", &Entry::name}, Key{"config", &Entry::config}, Key{"netns", &Entry::netns}};

std::string path_in(const std::string& runtime) { return runtime + "/" + project_folder; }

Result<UniqueFd> open_folder(const std::string& runtime, IfMissing if_missing) {
  const UniqueFd folder = TRY(open_own_folder(runtime, project_folder, if_missing));
  return open_own_folder(folder.get(), path_in(runtime), folder_name, if_missing);
}

Result<void> write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(file, text.data(), text.size());
    if (written < 0 && errno != EINTR) return fail("write", errno);
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

/// Writes it under another name first, so that no reader finds half of it.
Result<void> write_file(int folder, const std::string& name, std::string_view text) {
  const std::string draft = name + std::string(unfinished);
  unlinkat(folder, draft.c_str(), 0);
  const UniqueFd file(
      openat(folder, draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, only_this_user));
  if (!file.valid()) return fail("make it", errno);
  auto written = write_all(file.get(), text);
  if (written &&
      (fchmod(file.get(), only_this_user) != 0 || renameat(folder, draft.c_str(), folder, name.c_str()) != 0))
    written = fail("name it", errno);
  if (!written) unlinkat(folder, draft.c_str(), 0);
  return written;
}

Result<UniqueFile> add_in(const std::string& runtime, const Entry& entry) {
  const UniqueFd folder = TRY(open_folder(runtime, IfMissing::make));
  const std::string name = TRY(ProcessIdentity::of(getpid())).to_string();
  const std::string path = path_in(runtime) + "/" + folder_name + "/" + name;
  if (auto written = write_file(folder.get(), name, encode(entry)); !written)
    return fail_in(path, std::move(written).error());
  return UniqueFile::own(path);
}

/// Is it a file as add() makes it, this user's alone, and under no second name?
bool is_as_made(int file) {
  struct stat info{};
  return fstat(file, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == geteuid() && info.st_nlink == 1 &&
         (info.st_mode & ALLPERMS) == only_this_user;
}

std::optional<Entry> read_entry(int folder, const char* name) {
  const UniqueFd file(openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file.valid() || !is_as_made(file.get())) return std::nullopt;
  const auto text = read_all(file.get(), name, max_size, deadline_in(patience));
  return text ? decode(*text) : std::nullopt;
}

std::vector<std::string> names_in(const UniqueFd& folder) {
  UniqueFd again(fcntl(folder.get(), F_DUPFD_CLOEXEC, 0));
  const std::unique_ptr<DIR, decltype([](DIR* each) { closedir(each); })> listing(fdopendir(again.get()));
  std::vector<std::string> names;
  if (!listing) return names;
  static_cast<void>(again.release());  // the listing closes it
  while (const dirent* each = readdir(listing.get())) names.emplace_back(static_cast<const char*>(each->d_name));
  return names;
}

void find_in(const UniqueFd& folder, std::vector<Running>& found) {
  for (const std::string& name : names_in(folder)) {
    const bool whole = !name.ends_with(unfinished);
    const auto process =
        ProcessIdentity::parse(std::string_view(name).substr(0, name.size() - (whole ? 0 : unfinished.size())));
    if (!process) continue;
    if (process->has_ended()) {
      unlinkat(folder.get(), name.c_str(), 0);
    } else if (const auto now = ProcessIdentity::of(process->pid); whole && now && *now == *process) {
      if (auto entry = read_entry(folder.get(), name.c_str())) found.push_back({process->pid, *std::move(entry)});
    }
  }
}

}  // namespace

std::string encode(const Entry& entry) {
  std::string text;
  for (const Key& key : keys) text.append(key.name).append("=").append(escape(entry.*key.value)).append("\n");
  return text + "\n";
}

std::optional<Entry> decode(std::string_view text) {
  Entry entry;
  while (!text.starts_with('\n')) {
    const std::size_t end = text.find('\n');
    const std::size_t equals = text.substr(0, end).find('=');
    if (end == std::string_view::npos || equals == std::string_view::npos) return std::nullopt;
    const auto key = std::ranges::find(keys, text.substr(0, equals), &Key::name);
    if (key != keys.end()) {
      auto value = unescape(text.substr(equals + 1, end - equals - 1));
      if (!value) return std::nullopt;
      entry.*key->value = *std::move(value);
    }
    text.remove_prefix(end + 1);
  }
  return text == "\n" ? std::optional(std::move(entry)) : std::nullopt;
}

Result<UniqueFile> add(const Entry& entry, const std::vector<std::string>& folders) {
  Result<UniqueFile> file = fail("XDG_RUNTIME_DIR is not set to an absolute path", 0,
                                 "Set it to this user's folder, /run/user/UID as a rule");
  for (const std::string& runtime : folders) {
    file = add_in(runtime, entry);
    if (file) break;
  }
  return file;
}

std::vector<Running> find_running(const std::vector<std::string>& folders) {
  std::vector<Running> found;
  for (const std::string& runtime : folders) {
    if (const auto folder = open_folder(runtime, IfMissing::fail)) find_in(*folder, found);
  }
  std::ranges::sort(found, {}, [](const Running& each) { return std::pair(each.entry.name, each.pid); });
  return found;
}

}  // namespace wg4::registry
