#include "wg4netns/daemon/resolv_conf.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <expected>
#include <iterator>
#include <string>
#include <utility>

#include "shared/base/unique_fd.h"
#include "shared/net/resolv_conf.h"
#include "shared/sys/named_file.h"

namespace wg4 {
namespace {

constexpr mode_t mode = 0644;

Result<UniqueFd> open_file(const ContainerResolvConf& file) {
  const UniqueFd folder = TRY(open_folder(file.folder));
  const std::string name = file.path + " in " + file.folder;
  const auto found = NamedFile::find_below(folder.get(), file.path, Links::none, name);
  if (!found && found.error().number == ENOENT) return create_below(folder.get(), file.path, mode, name);
  if (!found) return std::unexpected(found.error());
  TRY(found->expect_regular());
  if (found->owner() != geteuid() && found->owner() != file.owner)
    return fail(name + " belongs neither to the container's root nor to this user");
  return found->open(O_WRONLY | O_TRUNC);
}

Result<void> write_file(const ContainerResolvConf& file, const std::string& text) {
  const UniqueFd fd = TRY(open_file(file));
  if (write(fd.get(), text.data(), text.size()) != std::ssize(text)) return fail("write " + file.path, errno);
  return {};
}

}  // namespace

Result<void> write_resolv_conf(const ContainerResolvConf& file, const WgConfig& config) {
  if (config.dns_servers.empty()) return {};
  auto written = write_file(file, resolv_conf_text(config.dns_servers, config.dns_search));
  if (written) return {};
  std::string& hint = written.error().hint;
  hint += hint.empty() ? "" : ". ";
  hint += "Mount a file of your own at /etc/resolv.conf, or leave out DNS in the configuration";
  return fail_in("the container's DNS servers", std::move(written).error());
}

}  // namespace wg4
