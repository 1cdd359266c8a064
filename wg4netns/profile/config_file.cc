#include "wg4netns/profile/config_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <pwd.h>
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
#include "shared/base/secret_text.h"
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
#include "wg4netns/profile/profile_name.h"

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

/// The next step depends on what the user has named: a profile, a file, or nothing.
std::string hint_for_missing(const std::string& path) {
  const std::string folder = config_folder().value_or("");
  if (path == folder + "/default.conf")
    return "Put a wg-quick file there, or name one with --config FILE or WIREGUARD4NETNS_CONFIG";
  if (!path.starts_with(folder + "/profiles/")) return "Put a wg-quick file there, or name another one";
  const std::string name = profile_name_of(path, ".conf");
  if (access(name.c_str(), F_OK) == 0) return "If the file of that name is meant, write ./" + name;
  return "'wireguard4netns profile list' has the names of profiles; 'wireguard4netns profile import FILE' makes one";
}

Result<NamedFile> find_config(const std::string& path) {
  auto file = NamedFile::find(path, "configuration " + path);
  if (!file)
    file.error().hint = file.error().number == ENOENT ? hint_for_missing(path)
                                                      : "The user who runs this program must be able to read it";
  return file;
}

std::unexpected<Error> directory(const std::string& path) {
  return fail("configuration " + path + " is a directory", 0, "Name the file in it");
}

Result<UniqueFd> open_to_read(const NamedFile& file) {
  auto fd = file.open(O_RDONLY);
  if (!fd) fd.error().hint = "The user who runs this program must be able to read it";
  return fd;
}

Result<OpenConfig> open_config(const std::string& path, NamedBy named_by) {
  const NamedFile file = TRY(find_config(path));
  if (file.is_directory()) return directory(path);
  if (named_by == NamedBy::untrusted || !file.is_pipe()) TRY(file.expect_regular());
  if (named_by == NamedBy::untrusted && file.owner() != geteuid())
    return fail("configuration " + path + " belongs to another user", 0, "It must be a file of this user's");
  if (file.size() > static_cast<off_t>(max_config_size)) return too_large(path);
  return OpenConfig{TRY(open_to_read(file)), file.is_regular() && (file.mode() & S_IRWXO) != 0};
}

/// How long to wait for the end of a configuration. The program at the other end of a shell's pipe may first ask the
/// user for a passphrase.
std::chrono::seconds patience_with(int fd) {
  struct statfs info{};
  const bool made_by_a_shell = fstatfs(fd, &info) == 0 && info.f_type == PIPEFS_MAGIC;
  return made_by_a_shell ? std::chrono::seconds(60) : std::chrono::seconds(10);
}

/// Found also without $HOME: a hook's environment may be empty.
std::string home_folder() {
  if (const auto home = environment("HOME")) return *home;
  const passwd* entry = getpwuid(outer_uid());
  return entry == nullptr ? "" : entry->pw_dir;
}

}  // namespace

Result<std::string> config_folder() {
  if (const auto base = environment("XDG_CONFIG_HOME")) return *base + "/wireguard4netns";
  const std::string home = home_folder();
  if (home.empty())
    return fail("no configuration named and no HOME to look in", 0,
                "Name a wg-quick file with --config FILE or WIREGUARD4NETNS_CONFIG");
  return home + "/.config/wireguard4netns";
}

namespace {

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

Result<std::string> profile_path(const std::string& name) {
  TRY(check_profile_name(name));
  const std::string folder = TRY(profiles_folder());
  TRY(expect_profile(folder, name));
  return folder + "/" + name + ".conf";
}

bool holds_secret(const WgConfig& config) {
  const auto has_preshared_key = [](const PeerConfig& peer) { return !peer.preshared_key.is_zero(); };
  return !config.private_key.is_zero() || std::ranges::any_of(config.peers, has_preshared_key);
}

/// Reads to the end of the file.
Result<SecretText> read_text(int fd, const std::string& path, Deadline deadline) {
  constexpr std::size_t step = 16 * 1024;
  SecretText text;
  for (;;) {
    if (!TRY(wait_until(fd, POLLIN, deadline)))
      return fail("configuration " + path + " has no end", 0,
                  "Nobody wrote it, or the rest of it, to this pipe in time");
    const ssize_t got = read(fd, text.room(step).data(), step);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return fail("read configuration " + path, errno);
    if (got == 0) return text;
    text.added(static_cast<std::size_t>(got));
    if (text.size() > max_config_size) return too_large(path);
  }
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

Result<std::string> profiles_folder() { return TRY(config_folder()) + "/profiles"; }

Result<void> expect_config(const std::string& path) {
  const NamedFile file = TRY(find_config(path));
  if (file.is_directory()) return directory(path);
  if (file.is_pipe()) return {};  // what is in it is the reader's
  TRY(file.expect_regular());
  TRY(open_to_read(file));
  return {};
}

Result<ConfigText> read_config_text(const std::string& path, NamedBy named_by) {
  const OpenConfig file = TRY(open_config(path, named_by));
  SecretText text = TRY(read_text(file.fd.get(), path, deadline_in(patience_with(file.fd.get()))));
  return ConfigText{.path = path, .text = std::move(text), .open_to_all = file.open_to_all};
}

Result<ConfigText> read_standard_input() {
  constexpr std::chrono::hours forever(24 * 7);  // a person may be typing
  const std::string name = "from standard input";
  return ConfigText{.path = name, .text = TRY(read_text(STDIN_FILENO, name, deadline_in(forever)))};
}

Result<WgConfig> judge_text(const ConfigText& text) {
  auto config = WgConfig::parse(text.text.view(), service_port);
  if (!config) return fail_in(text.path, std::move(config).error());
  if (auto judged = judge(*config, ask_kernel(*config)); !judged) return fail_in(text.path, std::move(judged).error());
  if (text.open_to_all && holds_secret(*config))
    config->warnings.push_back("it holds a secret key, and every user can read it: chmod 600 " + text.path);
  return config;
}

Result<WgConfig> read_config(const std::string& path, NamedBy named_by) {
  const ConfigText text = TRY(read_config_text(path, named_by));
  return judge_text(text);
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
