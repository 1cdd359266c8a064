#include "wg4netns/verify/process_scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <climits>
#include <cstring>
#include <expected>
#include <fstream>
#include <ios>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "shared/base/unique_fd.h"
#include "shared/sys/deadline.h"
#include "shared/sys/process.h"
#include "wg4netns/verify/foreign_socket.h"

namespace wg4::verify {
namespace {

constexpr std::chrono::seconds patience{1};  // for all processes that are changing (is_changing) together
constexpr std::chrono::milliseconds look_interval{10};

using Listing = std::unique_ptr<DIR, int (*)(DIR*)>;

std::uint64_t inode_of(const std::string& path) {
  struct stat info{};
  return stat(path.c_str(), &info) == 0 ? info.st_ino : 0;
}

NamespaceIds namespaces_of(const std::string& process) {
  const std::string folder = process + "/ns/";
  return {.user = inode_of(folder + "user"),
          .mounts = inode_of(folder + "mnt"),
          .net = inode_of(folder + "net"),
          .pids = inode_of(folder + "pid")};
}

std::string link_text(const std::string& path) {
  std::array<char, PATH_MAX> text{};
  const ssize_t size = readlink(path.c_str(), text.data(), text.size());
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : "";
}

/// The number that an entry of /proc is named by: a PID or a descriptor.
std::optional<int> number_of(const char* name) {
  int number = 0;
  const char* end = name + std::strlen(name);
  return std::from_chars(name, end, number).ptr == end ? std::optional(number) : std::nullopt;
}

/// The numbers in a folder of /proc; errno if it cannot be read.
std::expected<std::vector<int>, int> numbers_in(const std::string& path) {
  const Listing folder(opendir(path.c_str()), closedir);
  if (!folder) return std::unexpected(errno);
  std::vector<int> numbers;
  while (const dirent* entry = readdir(folder.get()))
    if (const auto number = number_of(entry->d_name)) numbers.push_back(*number);
  return numbers;
}

/// The mounts that a process has, by their ids.
std::set<std::uint64_t> mounts_of(const std::string& process) {
  std::set<std::uint64_t> ids;
  std::ifstream file(process + "/mountinfo");
  for (std::string line; std::getline(file, line);) {
    std::uint64_t id = 0;
    if (std::istringstream(line) >> id) ids.insert(id);
  }
  return ids;
}

/// The mount that a descriptor is of.
std::optional<std::uint64_t> mount_of(const std::string& fdinfo) {
  constexpr std::string_view key = "mnt_id:";
  std::ifstream file(fdinfo);
  for (std::string line; std::getline(file, line);) {
    std::uint64_t id = 0;
    if (line.starts_with(key) && std::istringstream(line.substr(key.size())) >> id) return id;
  }
  return std::nullopt;
}

/// The mount that a folder of a process in /proc, its working directory or its root, is of.
std::optional<std::uint64_t> mount_of_folder(const std::string& link) {
  const UniqueFd fd(open(link.c_str(), O_PATH | O_CLOEXEC));
  return fd.valid() ? mount_of("/proc/self/fdinfo/" + std::to_string(fd.get())) : std::nullopt;
}

std::optional<ProcessRights> rights_of(const std::string& process) {
  std::ifstream file(process + "/status");
  ProcessRights rights;
  bool found = false;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string key;
    words >> key;
    const auto read_set = [&](const char* name, std::uint64_t& set) {
      if (key == name) words >> std::hex >> set;
    };
    const auto read_flag = [&](const char* name, bool& flag) {
      int value = 0;
      if (key == name && words >> value) flag = value != 0;
    };
    read_set("CapInh:", rights.inheritable);
    read_set("CapPrm:", rights.permitted);
    read_set("CapEff:", rights.effective);
    read_set("CapBnd:", rights.bounding);
    read_set("CapAmb:", rights.ambient);
    read_flag("NoNewPrivs:", rights.no_new_privs);
    read_flag("Seccomp:", rights.filtered);
    found = found || key == "CapEff:";
  }
  return found ? std::optional(rights) : std::nullopt;
}

/// Looks at one process.
class Scan {
 public:
  Scan(const Surroundings& around, const std::set<std::uint64_t>& mounts, pid_t pid)
      : around_(around), mounts_(mounts), pid_(pid), path_("/proc/" + std::to_string(pid)) {}

  [[nodiscard]] ProcessFacts look(const NamespaceIds& namespaces) {
    // A mount namespace that a program makes inside has copies of the tunnel's mounts, which have ids of their own.
    mounts_.merge(mounts_of(path_));
    pidfd_ = open_pidfd(pid_);
    ProcessFacts facts{.pid = pid_,
                       .command = process_name(path_),
                       .namespaces = namespaces,
                       .rights = rights_of(path_),
                       .descriptors = {},
                       .outer_folder = outer_folder(),
                       .descriptors_error = 0};
    const auto numbers = numbers_in(path_ + "/fd");
    if (!numbers) {
      facts.descriptors_error = numbers.error();
      return facts;
    }
    for (const int number : *numbers)
      if (auto descriptor = look_at(number)) facts.descriptors.push_back(*std::move(descriptor));
    return facts;
  }
  /// If so, what was read in /proc may be of another process with the same PID.
  [[nodiscard]] bool has_ended() const { return !pidfd_.valid() || process_has_ended(pidfd_.get()); }
  /// Whether to look again a moment later: a process of this program that has just entered still has rights that it
  /// gives up before it is a command, and one that is ending does not show what it has open.
  [[nodiscard]] bool is_changing(const ProcessFacts& facts) const {
    struct stat own{};
    struct stat other{};
    const bool is_ours = stat("/proc/self/exe", &own) == 0 && stat((path_ + "/exe").c_str(), &other) == 0 &&
                         own.st_dev == other.st_dev && own.st_ino == other.st_ino;
    return is_ours || facts.descriptors_error != 0 || (facts.rights && !facts.rights->filtered);
  }

 private:
  [[nodiscard]] bool is_outside(std::optional<std::uint64_t> mount) const { return mount && !mounts_.contains(*mount); }

  [[nodiscard]] std::optional<std::string> outer_folder() const {
    for (const char* name : {"/cwd", "/root"})
      if (is_outside(mount_of_folder(path_ + name))) return link_text(path_ + name);
    return std::nullopt;
  }

  [[nodiscard]] std::optional<Descriptor> look_at(int number) const {
    const std::string fd = path_ + "/fd/" + std::to_string(number);
    const std::string text = link_text(fd);
    if (text.starts_with("socket:")) return look_at_socket(pidfd_.get(), number, around_.net_cookie);
    if (is_host_namespace(text)) return Descriptor{Descriptor::Kind::host_namespace, number, text};
    struct stat info{};
    if (!text.starts_with('/') || stat(fd.c_str(), &info) != 0) return std::nullopt;
    if (!S_ISDIR(info.st_mode) && !S_ISSOCK(info.st_mode)) return std::nullopt;
    if (!is_outside(mount_of(path_ + "/fdinfo/" + std::to_string(number)))) return std::nullopt;
    return Descriptor{Descriptor::Kind::folder, number, text};
  }

  /// "net:[4026531840]"
  [[nodiscard]] bool is_host_namespace(const std::string& text) const {
    const auto is = [&text](const char* kind, std::uint64_t inode) {
      return text == std::string(kind) + ":[" + std::to_string(inode) + "]";
    };
    return is("user", around_.host.user) || is("mnt", around_.host.mounts) || is("net", around_.host.net);
  }

  const Surroundings& around_;
  std::set<std::uint64_t> mounts_;
  pid_t pid_;
  std::string path_;
  UniqueFd pidfd_;
};

bool belongs(const NamespaceIds& own, const NamespaceIds& tunnel) {
  return own.net == tunnel.net || own.mounts == tunnel.mounts || own.user == tunnel.user;
}

/// Nothing if it is not the tunnel's, or has ended.
std::optional<ProcessFacts> look_at_process(const Surroundings& around, const std::set<std::uint64_t>& mounts,
                                            pid_t pid, Deadline deadline) {
  for (;;) {
    const NamespaceIds namespaces = namespaces_of("/proc/" + std::to_string(pid));
    if (!belongs(namespaces, around.tunnel)) return std::nullopt;
    Scan scan(around, mounts, pid);
    ProcessFacts facts = scan.look(namespaces);
    if (scan.has_ended()) return std::nullopt;
    if (!scan.is_changing(facts) || std::chrono::steady_clock::now() >= deadline) return facts;
    std::this_thread::sleep_for(look_interval);
  }
}

}  // namespace

NamespaceIds own_namespaces() { return namespaces_of("/proc/self"); }

Result<std::vector<ProcessFacts>> look_at_processes(const Surroundings& around) {
  const auto all = numbers_in("/proc");
  if (!all) return fail("list processes: open /proc", all.error());
  const std::set<std::uint64_t> mounts = mounts_of("/proc/" + std::to_string(around.keeper));
  const Deadline deadline = deadline_in(patience);
  std::vector<ProcessFacts> found;
  for (const pid_t pid : *all) {
    // A process that this user may not look at belongs to no namespace of the tunnel, as far as this can be known.
    if (pid == around.keeper || pid == getpid()) continue;
    if (auto facts = look_at_process(around, mounts, pid, deadline)) found.push_back(*std::move(facts));
  }
  return found;
}

}  // namespace wg4::verify
