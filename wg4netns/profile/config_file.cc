#include "wg4netns/profile/config_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <pwd.h>
#include <sodium/utils.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <expected>
#include <filesystem>
#include <system_error>
#include <utility>

#include "shared/base/result.h"
#include "shared/base/scope_exit.h"
#include "shared/base/unique_fd.h"
#include "shared/net/endpoint.h"
#include "shared/net/prefix.h"
#include "shared/sys/deadline.h"
#include "shared/sys/log.h"
#include "shared/sys/named_file.h"
#include "shared/sys/namespaces.h"
#include "shared/sys/service_port.h"
#include "wg4netns/core/time.h"
#include "wg4netns/profile/judgement.h"

namespace wg4 {
namespace {

constexpr std::size_t max_config_size = 64UL * 1024 * 1024;  // bytes; a million AllowedIPs fit many times

std::optional<std::string> environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

/// An open configuration, and whether other users of this host could open it, too.
struct OpenConfig {
  UniqueFd fd;
  bool open_to_all = false;
};

std::unexpected<Error> too_large(const std::string& path) {
  return fail("configuration " + path + " is larger than 64 MiB", 0, "Name a wg-quick file");
}

Result<NamedFile> find_config(const std::string& path) {
  auto file = NamedFile::find(path, "configuration " + path);
  if (!file)
    file.error().hint = file.error().number == ENOENT
                            ? "Put a wg-quick file there, or name one with --config FILE or WIREGUARD4NETNS_CONFIG"
                            : "The user who runs this program must be able to read it";
  return file;
}

Result<OpenConfig> open_config(const std::string& path, NamedBy named_by) {
  const NamedFile file = TRY(find_config(path));
  if (file.is_directory()) return fail("configuration " + path + " is a directory", 0, "Name the file in it");
  if (named_by == NamedBy::untrusted || !file.is_pipe()) TRY(file.expect_regular());
  if (named_by == NamedBy::untrusted && file.owner() != geteuid())
    return fail("configuration " + path + " belongs to another user", 0, "It must be a file of this user's");
  if (file.size() > static_cast<off_t>(max_config_size)) return too_large(path);
  auto fd = file.open(O_RDONLY);
  if (!fd) fd.error().hint = "The user who runs this program must be able to read it";
  return OpenConfig{TRY(std::move(fd)), file.is_regular() && (file.mode() & S_IRWXO) != 0};
}

/// How long to wait for the end of a configuration. The program at the other end of a shell's pipe may first ask the
/// user for a passphrase.
std::chrono::seconds patience_with(int fd) {
  struct statfs info{};
  const bool made_by_a_shell = fstatfs(fd, &info) == 0 && info.f_type == PIPEFS_MAGIC;
  return made_by_a_shell ? std::chrono::seconds(60) : std::chrono::seconds(10);
}

/// Also without $HOME: a hook's environment may be empty.
std::string home_folder() {
  if (const auto home = environment("HOME")) return *home;
  const passwd* entry = getpwuid(outer_uid());
  return entry == nullptr ? "" : entry->pw_dir;
}

Result<std::string> config_folder() {
  if (const auto base = environment("XDG_CONFIG_HOME")) return *base + "/wireguard4netns";
  const std::string home = home_folder();
  if (home.empty())
    return fail("no configuration named and no HOME to look in", 0,
                "Name a wg-quick file with --config FILE or WIREGUARD4NETNS_CONFIG");
  return home + "/.config/wireguard4netns";
}

/// A symbolic link in the folder may lead to another profile, and nowhere else. A missing file is reported later.
Result<void> expect_profile(const std::string& folder, const std::string& name) {
  const auto profiles = open_folder(folder);
  if (!profiles) return {};
  auto file = NamedFile::find_below(profiles->get(), name + ".conf", Links::inside, "the profile " + name);
  if (file) return file->expect_regular();
  if (file.error().number == ENOENT) return {};
  if (file.error().number == EXDEV)
    file.error().hint = "It is a symbolic link that leads out of " + folder + ": name that file with --config";
  return std::unexpected(std::move(file).error());
}

/// A profile is a name, not a path: it may come from a source that is only to choose among names.
Result<std::string> profile_path(const std::string& name) {
  if (name.ends_with(".conf"))
    return fail("'" + name + "' cannot be the name of a profile", 0,
                "The file profiles/" + name + " is the profile " + name.substr(0, name.rfind('.')) +
                    "; for other files use --config");
  if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos)
    return fail("'" + name + "' cannot be the name of a profile", 0,
                "The profile NAME is the file profiles/NAME.conf beside default.conf; for other files use --config");
  const std::string folder = TRY(config_folder()) + "/profiles";
  std::string path = folder + "/" + name + ".conf";
  TRY(expect_profile(folder, name));
  return path;
}

bool holds_secret(const WgConfig& config) {
  const auto has_preshared_key = [](const PeerConfig& peer) { return !peer.preshared_key.is_zero(); };
  return !config.private_key.is_zero() || std::ranges::any_of(config.peers, has_preshared_key);
}

void wipe(std::string& text) { sodium_memzero(text.data(), text.size()); }

/// Reads the whole file into `text`, which the caller wipes, also after an error. A pipe has no size, so the string
/// grows by doubling; each smaller copy is wiped here.
Result<void> read_text(int fd, const std::string& path, std::string& text) {
  const Deadline deadline = deadline_in(patience_with(fd));
  std::size_t used = 0;
  text.resize(16 * 1024);
  for (;;) {
    if (used == text.size()) {
      std::string larger(2 * used, '\0');
      larger.replace(0, used, text);
      wipe(text);
      text = std::move(larger);
    }
    if (!TRY(wait_until(fd, POLLIN, deadline)))
      return fail("configuration " + path + " has no end", 0,
                  "Nobody wrote it, or the rest of it, to this pipe in time");
    const ssize_t got = read(fd, text.data() + used, text.size() - used);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return fail("read configuration " + path, errno);
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
    if (used > max_config_size) return too_large(path);
  }
  text.resize(used);
  return {};
}

}  // namespace

Result<std::string> locate_config(const std::optional<std::string>& file, const std::optional<std::string>& profile) {
  if (file) return *file;
  if (profile) return profile_path(*profile);
  if (const auto path = environment("WIREGUARD4NETNS_CONFIG")) return *path;
  if (const auto name = environment("WIREGUARD4NETNS_PROFILE")) return profile_path(*name);
  return TRY(config_folder()) + "/default.conf";
}

Result<std::string> absolute_path(const std::string& path) {
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::absolute(path, error);
  if (error) return fail("find the current directory", error.value());
  return whole.string();
}

Result<WgConfig> read_config(const std::string& path, NamedBy named_by) {
  std::string text;
  const ScopeExit wipe_at_end([&] { wipe(text); });
  const OpenConfig file = TRY(open_config(path, named_by));
  TRY(read_text(file.fd.get(), path, text));
  auto config = WgConfig::parse(text, service_port);
  if (!config) return fail_in(path, std::move(config).error());
  if (auto judged = judge(*config, ask_kernel(*config)); !judged) return fail_in(path, std::move(judged).error());
  if (file.open_to_all && holds_secret(*config))
    config->warnings.push_back("it holds a secret key, and every user can read it: chmod 600 " + path);
  return config;
}

Result<WgConfig> load_config(const std::string& path, NamedBy named_by) {
  WgConfig config = TRY(read_config(path, named_by));
  for (const std::string& warning : config.warnings) log::warning("{}: {}", path, warning);
  return config;
}

std::optional<WallTime> config_written(const std::string& path) {
  struct stat info{};
  if (stat(path.c_str(), &info) < 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  return WallTime(std::chrono::seconds(info.st_mtim.tv_sec));
}

DeviceChange make_device_change(const WgConfig& config) {
  DeviceChange change;
  change.private_key = config.private_key.clone();
  change.listen_port = config.listen_port;
  change.fwmark = config.fwmark;
  change.replace_peers = true;
  for (const PeerConfig& peer : config.peers) {
    PeerChange& to = change.peers.emplace_back();
    to.public_key = peer.public_key;
    to.preshared_key = peer.preshared_key.clone();
    to.persistent_keepalive_s = peer.persistent_keepalive_s;
    to.replace_allowed_ips = true;
    for (const Prefix& prefix : peer.allowed_ips) to.allowed_ips.push_back({.prefix = prefix});
    if (const Endpoint* address = peer.address()) to.endpoint = *address;
  }
  return change;
}

}  // namespace wg4
