#include "shared/sys/netns_watch.h"

#include <linux/magic.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

namespace wg4 {
namespace {

constexpr std::uint32_t name_goes = IN_DELETE | IN_MOVED_FROM;
constexpr std::uint32_t folder_goes = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED;

bool is_in_proc(const std::string& folder) {
  struct statfs info{};
  return statfs(folder.c_str(), &info) == 0 && info.f_type == PROC_SUPER_MAGIC;
}

/// Watches the folder: the name may be the mount of a namespace, whose removal only the folder reports.
Result<UniqueFd> watch_folder(const std::string& folder) {
  UniqueFd fd(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd.valid())
    return fail("watch " + folder, errno,
                errno == EMFILE ? "Raise the sysctl fs.inotify.max_user_instances, the limit of each user" : "");
  if (inotify_add_watch(fd.get(), folder.c_str(),
                        IN_ONLYDIR | IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF) < 0)
    return fail("watch " + folder, errno);
  return fd;
}

}  // namespace

std::optional<pid_t> pid_of_path(const std::string& path) {
  constexpr std::string_view start = "/proc/";
  if (!path.starts_with(start)) return std::nullopt;
  pid_t pid = 0;
  const char* digits = path.data() + start.size();
  const auto [end, error] = std::from_chars(digits, path.data() + path.size(), pid);
  if (error != std::errc{} || pid <= 0 || end == path.data() + path.size() || *end != '/') return std::nullopt;
  return pid;
}

Result<NetnsWatch> NetnsWatch::create(UniqueFd process, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  if (path.empty() || is_in_proc(folder)) return NetnsWatch(std::move(process), {}, {});
  auto watched = watch_folder(folder);
  if (!watched) return fail_in(path, std::move(watched).error());
  return NetnsWatch(std::move(process), *std::move(watched), path.substr(slash + 1));
}

std::vector<int> NetnsWatch::fds() const {
  std::vector<int> fds;
  if (process_.valid()) fds.push_back(process_.get());
  if (folder_.valid()) fds.push_back(folder_.get());
  return fds;
}

bool NetnsWatch::gone() {
  pollfd entry{process_.get(), POLLIN, 0};
  return (process_.valid() && poll(&entry, 1, 0) > 0) || (folder_.valid() && name_gone());
}

bool NetnsWatch::name_gone() {
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t got = read(folder_.get(), buffer.data(), buffer.size());
    if (got <= 0) return false;
    for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
      inotify_event event;
      std::memcpy(&event, &buffer[at], sizeof event);
      const bool ours = event.len > 0 && name_ == &buffer[at + sizeof event];  // the name is padded with zeros
      if ((event.mask & folder_goes) != 0 || (ours && (event.mask & name_goes) != 0)) return true;
      at += sizeof event + event.len;
    }
  }
}

}  // namespace wg4
