#include "wg4netns/supervise/keeper_view.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <tuple>

#include "netns-helper/container/mounts/mounts.h"
#include "netns-helper/container/name_files.h"
#include "netns-helper/container/own_copy.h"
#include "netns-helper/container/own_run.h"
#include "netns-helper/container/setuid_copies.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/deadline.h"
#include "shared/sys/read_all.h"

namespace wg4::keeper {
namespace {

const std::array<std::string, 2> programs_of_sudo{"/usr/bin/sudo", "/usr/bin/su"};
constexpr std::size_t max_passwd = std::size_t{16} << 20;  // bytes
constexpr std::chrono::seconds file_patience{10};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

Result<container::NameSettings> settings_of(const MakeView& wanted) {
  container::NameSettings settings{
      .servers = wanted.servers, .search = wanted.search, .hostname = host_name(), .hosts = {}, .hosts_text = {}};
  for (const std::string& host : wanted.hosts) settings.hosts.push_back(TRY(container::parse_added_host(host)));
  if (!wanted.hosts_text.empty()) settings.hosts_text = wanted.hosts_text;
  return settings;
}

/// That of the new PID namespace. Where parts of the host's /proc are covered, the kernel refuses it.
Result<void> mount_own_proc() {
  if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0) return {};
  return fail("mount /proc for the command's PID namespace", errno,
              "In a container whose /proc is partly covered that is not possible: leave out --pid");
}

/// Rights over what the namespaces have, and nothing else, for everybody inside.
Result<void> add_files_for_sudo(container::OwnFiles& files) {
  for (const container::EtcFile& file : container::etc_files_for_sudo)
    files[std::string(file.name)] = {std::string(file.text), file.mode};
  const UniqueFd passwd(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
  if (!passwd.valid()) return fail("open /etc/passwd", errno);
  const std::string text = TRY(read_all(passwd.get(), "/etc/passwd", max_passwd, deadline_in(file_patience)));
  files["shadow"] = {container::shadow_for_sudo(text), S_IRUSR | S_IWUSR};
  return {};
}

}  // namespace

Result<View> View::make(const Plan& plan, const MakeView& wanted) {
  TRY(container::keep_mounts_here());
  if (plan.own_pids) TRY(mount_own_proc());
  container::NameSettings settings = TRY(settings_of(wanted));
  container::OwnFiles files = TRY(container::make_name_files(settings));
  if (plan.sudo) TRY(add_files_for_sudo(files));
  auto etc = TRY(container::OwnEtc::create(files));
  std::vector<std::string> open =
      TRY(container::mount_own_run({.runtime_folder = environment("XDG_RUNTIME_DIR"),
                                    .files = {environment("SSH_AUTH_SOCK"), environment("XAUTHORITY")},
                                    .session_bus = plan.session_bus,
                                    .system_bus = plan.system_bus}));
  if (plan.sudo) TRY(container::mount_setuid_copies(programs_of_sudo));
  TRY(container::mount_own_copy("/etc/ssh/ssh_config.d"));
  for (const std::string& folder : plan.hidden)
    if (access(folder.c_str(), F_OK) == 0)
      std::ignore = TRY(container::hide_folder(folder));  // a missing one is not made
  return View(std::move(settings), std::move(etc), std::move(open));
}

Result<bool> View::rename(const std::vector<IpAddress>& servers, const std::vector<std::string>& search) {
  if (names_.servers == servers && names_.search == search) return false;
  container::NameSettings names = names_;
  names.servers = servers;
  names.search = search;
  TRY(etc_.replace(container::resolv_conf, {make_resolv_conf(names)}));
  names_ = std::move(names);
  return true;
}

}  // namespace wg4::keeper
