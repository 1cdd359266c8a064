#include "wg4netns/daemon/registration.h"

#include <utility>

#include "shared/sys/log.h"
#include "wg4netns/supervise/registry.h"

namespace wg4 {

UniqueFile register_tunnel(const uapi::ControlSocket& control, const std::string& config_path,
                           const std::string& where) {
  auto file = registry::add({.name = control.name(), .config = config_path, .netns = where});
  if (file) return *std::move(file);
  log::warning("this tunnel is not written down: {}. 'wireguard4netns reload {}' will ask for --config",
               file.error().message(), control.name());
  return {};
}

}  // namespace wg4
