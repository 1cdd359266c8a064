#include "wg4netns/verify/trials.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <expected>
#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include "shared/base/unique_fd.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "shared/sys/deadline.h"
#include "shared/sys/netlink.h"
#include "shared/sys/own_folder.h"
#include "shared/sys/sockaddr.h"
#include "wg4netns/verify/dns_query.h"
#include "wg4netns/verify/unix_sockets.h"

namespace wg4::verify {
namespace {

namespace fs = std::filesystem;
using Kind = Attempt::Kind;

constexpr std::size_t max_entries = 50'000;  // of a folder and those below
constexpr std::chrono::seconds patience{1};  // with a connection to the host that should not come about

#ifndef SO_NETNS_COOKIE
constexpr int SO_NETNS_COOKIE = 71;  // Linux 5.14
#endif

/// The address of a UNIX socket, by its path, or by an abstract name behind a zero.
struct UnixAddress {
  sockaddr_un address{};
  socklen_t length = 0;

  explicit UnixAddress(std::string_view name) {
    address.sun_family = AF_UNIX;
    if (name.size() >= sizeof address.sun_path) return;
    std::ranges::copy(name, address.sun_path);
    const bool is_abstract = name.starts_with('\0');
    length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + (is_abstract ? 0 : 1));
  }
  [[nodiscard]] const sockaddr* get() const {
    const void* start = &address;
    return static_cast<const sockaddr*>(start);
  }
};

/// The errno; 0 if somebody takes connections, or datagrams, there. Nothing is sent.
int try_to_connect(std::string_view name) {
  const UnixAddress to(name);
  if (to.length == 0) return ENAMETOOLONG;
  int error = 0;
  for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    const UniqueFd fd(socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (fd.valid() && connect(fd.get(), to.get(), to.length) == 0) return 0;
    error = errno == EAGAIN ? 0 : errno;  // a server whose queue is full
    if (error != EPROTOTYPE) break;
  }
  return error;
}

/// The listener sees whether the connection comes about (Bait), so nothing is returned.
void try_to_connect(const Endpoint& endpoint) {
  SocketAddress to(endpoint);
  const UniqueFd fd(socket(to.get()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid() || connect(fd.get(), to.get(), to.length) == 0 || errno != EINPROGRESS) return;
  [[maybe_unused]] const auto connected = wait_until(fd.get(), POLLOUT, deadline_in(patience));
}

int try_to_open(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  return fd.valid() ? 0 : errno;
}

/// 0 if the folder has something in it; ENOENT if it is empty.
int try_to_list(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(path.c_str()), closedir);
  if (!folder) return errno;
  while (const dirent* entry = readdir(folder.get()))
    if (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0) return 0;
  return ENOENT;
}

std::string beginning_of(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  std::string text(max_text, '\0');
  const ssize_t size = fd.valid() ? read(fd.get(), text.data(), text.size()) : 0;
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  return text.substr(0, text.find('\0'));
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// The path in an address of D-Bus: "unix:path=/run/user/1000/bus,guid=...".
std::string path_of_bus(const std::string& address) {
  constexpr std::string_view begin = "unix:path=";
  if (!address.starts_with(begin)) return "";
  return address.substr(begin.size(), address.find_first_of(",;") - begin.size());
}

/// Where services are on most systems.
std::vector<std::pair<Kind, std::string>> known_services() {
  std::vector<std::pair<Kind, std::string>> all{
      {Kind::nscd, "/run/nscd/socket"},
      {Kind::resolved, "/run/systemd/resolve/io.systemd.Resolve"},
      {Kind::resolved, "/run/systemd/resolve/io.systemd.Resolve.Monitor"},
      {Kind::avahi, "/run/avahi-daemon/socket"},
      {Kind::system_bus, "/run/dbus/system_bus_socket"},
      {Kind::engine, "/run/docker.sock"},
      {Kind::engine, "/run/podman/podman.sock"},
      {Kind::engine, "/run/containerd/containerd.sock"},
      {Kind::service_manager, "/run/systemd/private"},
  };
  std::vector<std::string> folders{"/run/user/" + std::to_string(getuid())};
  if (const std::string own = environment("XDG_RUNTIME_DIR"); !own.empty() && own != folders.front())
    folders.push_back(own);
  for (const std::string& folder : folders) {
    all.emplace_back(Kind::session_bus, folder + "/bus");
    all.emplace_back(Kind::engine, folder + "/docker.sock");
    all.emplace_back(Kind::engine, folder + "/podman/podman.sock");
    all.emplace_back(Kind::service_manager, folder + "/systemd/private");
  }
  if (const std::string bus = path_of_bus(environment("DBUS_SESSION_BUS_ADDRESS")); bus.starts_with('/'))
    all.emplace_back(Kind::session_bus, bus);
  return all;
}

bool contains(const std::vector<std::string>& all, const std::string& one) {
  return std::ranges::find(all, one) != all.end();
}

bool is_same_folder(const std::string& one, const std::string& other) {
  std::error_code error;
  return fs::equivalent(one, other, error) && !error;
}

}  // namespace

void Trials::run(bool signals_scoped) {
  const auto sockets = list_named_sockets();
  if (!sockets) tell(sockets.error());
  for (const NamedSocket& each : sockets.value_or(std::vector<NamedSocket>{})) {
    own_abstract_ += each.is_abstract ? 1 : 0;
    if (!each.is_abstract) own_sockets_.push_back(each.path);
  }
  look_at_network();
  look_at_name_files();
  try_services();
  look_for_other_sockets();
  try_keys();
  try_processes();
  try_host();
  ask_servers();
  Rights rights{.signals_scoped = signals_scoped, .net_cookie = 0, .own_sockets = own_abstract_};
  const UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  socklen_t size = sizeof rights.net_cookie;
  if (getsockopt(fd.get(), SOL_SOCKET, SO_NETNS_COOKIE, &rights.net_cookie, &size) != 0) rights.net_cookie = 0;
  tell(rights);
}

void Trials::look_at_network() {
  auto netlink = Netlink::open();
  auto links = netlink ? netlink->links() : std::unexpected(netlink.error());
  auto ways = links ? netlink->ways_out() : std::unexpected(links.error());
  if (!ways) return tell(ways.error());
  for (const Link& link : *links) tell(Interface{link.name, link.kind, link.up});
  for (const WayOut& way : *ways) {
    const auto link = std::ranges::find(*links, way.link, &Link::index);
    tell(Route{way.destination, link == links->end() ? "" : link->name});
  }
}

void Trials::look_at_name_files() {
  struct stat folder{};
  stat("/etc", &folder);
  for (const char* name : {"resolv.conf", "hosts", "nsswitch.conf"}) {
    const std::string path = std::string("/etc/") + name;
    NameFile file{.name = name,
                  .found = false,
                  .device = 0,
                  .inode = 0,
                  .folder_device = folder.st_dev,
                  .read_only = false,
                  .text = beginning_of(path)};
    struct stat info{};
    struct statvfs mount{};
    if (stat(path.c_str(), &info) == 0 && statvfs(path.c_str(), &mount) == 0) {
      file.found = true;
      file.device = info.st_dev;
      file.inode = info.st_ino;
      file.read_only = (mount.f_flag & ST_RDONLY) != 0;
    }
    if (std::string_view(name) == "resolv.conf") resolv_conf_ = file.text;
    tell(file);
  }
}

void Trials::try_socket(Kind kind, const std::string& path) {
  if (contains(tried_, path) || contains(own_sockets_, path)) return;
  tried_.push_back(path);
  // One that is open on purpose is not disturbed by a connection.
  const bool known = contains(targets_.open, path) && access(path.c_str(), F_OK) == 0;
  tell(Attempt{kind, path, known ? 0 : try_to_connect(path)});
}

void Trials::try_services() {
  const bool has_other_run = !is_same_folder("/run", "/var/run");
  for (const auto& [kind, path] : known_services()) {
    try_socket(kind, path);
    if (has_other_run && path.starts_with("/run/")) try_socket(kind, "/var" + path);
  }
  try_sockets_below("/run");
  if (has_other_run) try_sockets_below("/var/run");
  const std::string runtime = environment("XDG_RUNTIME_DIR");
  if (runtime.starts_with('/') && !runtime.starts_with("/run/")) try_sockets_below(runtime);
}

void Trials::try_sockets_below(const std::string& folder) {
  std::error_code error;
  std::size_t count = 0;
  auto each = fs::recursive_directory_iterator(folder, fs::directory_options::skip_permission_denied, error);
  for (; !error && each != fs::recursive_directory_iterator(); each.increment(error)) {
    std::error_code gone;
    if (each->symlink_status(gone).type() == fs::file_type::socket) try_socket(Kind::run_socket, each->path());
    if (++count == max_entries)
      return tell(Unseen{"look for sockets below " + folder + ": there are too many files", 0});
  }
  if (error && error.value() != ENOENT) tell(Unseen{"look for sockets below " + folder, error.value()});
}

void Trials::look_for_other_sockets() {
  for (const std::string& path : targets_.host_sockets) {
    struct stat info{};
    const bool is_there = stat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode) && access(path.c_str(), W_OK) == 0;
    if (is_there) tell(Attempt{Kind::other_socket, path, 0});
  }
}

void Trials::try_keys() {
  tell(Attempt{Kind::keys, targets_.control_socket, try_to_connect(targets_.control_socket)});
  for (const std::string& folder : runtime_folders())
    for (const char* own : {"wireguard", project_folder}) {
      const std::string path = folder + "/" + own;
      tell(Attempt{Kind::keys, path, try_to_list(path)});
    }
  tell(Attempt{Kind::keys, targets_.hidden_folder, try_to_list(targets_.hidden_folder)});
  if (!targets_.config.empty()) tell(Attempt{Kind::configuration, targets_.config, try_to_open(targets_.config)});
}

void Trials::try_processes() {
  const std::string memory = "/proc/" + std::to_string(targets_.tunnel) + "/mem";
  for (const pid_t process : {targets_.tunnel, targets_.keeper})
    if (process > 0) tell(Attempt{Kind::signal, std::to_string(process), kill(process, 0) == 0 ? 0 : errno});
  if (targets_.tunnel > 0) tell(Attempt{Kind::memory, memory, try_to_open(memory)});
  // EPERM of the filter comes before the kernel looks at the descriptor; without the filter it is EBADF.
  tell(Attempt{Kind::typing, "the terminal", ioctl(-1, TIOCSTI, "") == 0 ? 0 : errno});
}

void Trials::try_host() {
  if (targets_.port_v4 != 0) try_to_connect(Endpoint{*IpAddress::parse("127.0.0.1"), targets_.port_v4});
  if (targets_.port_v6 != 0) try_to_connect(Endpoint{*IpAddress::parse("::1"), targets_.port_v6});
  if (!targets_.abstract_name.empty()) static_cast<void>(try_to_connect(std::string(1, '\0') + targets_.abstract_name));
}

void Trials::ask_servers() {
  for (const Server& server : verify::ask_servers(servers_in(resolv_conf_))) tell(server);
}

}  // namespace wg4::verify
