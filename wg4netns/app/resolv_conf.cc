#include "wg4netns/app/resolv_conf.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "shared/base/unique_fd.h"

namespace wg4 {
namespace {

constexpr unsigned mode = 0644;

/// Symbolic links in an image are followed as they would be in the container.
UniqueFd open_in_root(const oci::ResolvConf& file) {
  const UniqueFd root(open(file.root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return {};
  open_how how{};
  // What is there may be a FIFO that nobody reads; truncation is for regular files only.
  how.flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  how.mode = mode;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return UniqueFd(static_cast<int>(syscall(SYS_openat2, root.get(), file.path.c_str(), &how, sizeof how)));
}

}  // namespace

std::string resolv_conf_text(const WgConfig& config) {
  std::string text;
  for (const IpAddress& server : config.dns_servers) text += "nameserver " + server.to_string() + "\n";
  if (config.dns_search.empty()) return text;
  text += "search";
  for (const std::string& domain : config.dns_search) text += " " + domain;
  return text + "\n";
}

Result<void> write_resolv_conf(const oci::ResolvConf& file, const std::string& text) {
  const UniqueFd fd = open_in_root(file);
  const bool written = fd.valid() && write(fd.get(), text.data(), text.size()) == std::ssize(text);
  if (written) return {};
  return fail("write the container's DNS servers to " + file.path + " in " + file.root, errno,
              "Mount a file of your own at /etc/resolv.conf, or leave out DNS in the configuration");
}

}  // namespace wg4
