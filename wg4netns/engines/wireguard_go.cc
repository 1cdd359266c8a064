#include "wg4netns/engines/wireguard_go.h"

#include <cstdint>
#include <expected>
#include <utility>

#include "shared/base/unique_fd.h"
#include "shared/sys/background.h"
#include "wg4netns/daemon/attach.h"
#include "wg4netns/daemon/attach_options.h"

namespace wg4 {
namespace {

constexpr std::uint16_t default_mtu = 1420;  // bytes, as every WireGuard has it

AttachCommand attachment_of(const InterfaceCommand& command) {
  AttachCommand attachment;
  attachment.target = "/proc/self/ns/net";
  attachment.target_type = TargetType::path;
  attachment.ifname = command.ifname;
  attachment.configuration = Configuration::mtu;
  attachment.tunnel.configured_by_wg = true;
  attachment.tunnel.control = command.ifname;
  attachment.tunnel.mtu = default_mtu;
  return attachment;
}

}  // namespace

Result<void> run_interface(const InterfaceCommand& command) {
  AttachCommand attachment = attachment_of(command);
  if (command.foreground) return attach(attachment);
  auto serving = run_in_background([&](UniqueFd ready_fd) {
    attachment.tunnel.ready_fd = ready_fd.release();
    return attach(attachment);
  });
  if (!serving) return std::unexpected(std::move(serving).error());
  return {};
}

}  // namespace wg4
