#include "wg4netns/daemon/udp_port.h"

#include <utility>

#include "shared/sys/log.h"

namespace wg4 {

Result<UdpPort> UdpPort::open(UdpOptions options) {
  UdpSocket socket = TRY(UdpSocket::open(options));
  return UdpPort(std::move(socket), std::move(options));
}

Result<void> UdpPort::change_number(std::uint16_t number) {
  if (number != 0 && number == socket_.port()) return {};
  UdpOptions options = options_;
  options.port = number;
  const UdpSocket fresh = TRY(UdpSocket::open(options));
  TRY(socket_.replace_by(fresh));
  if (shared_by_) TRY(shared_by_(fresh));
  options_ = std::move(options);
  log::debug("UDP port {} from now on", fresh.port());
  return {};
}

Result<void> UdpPort::change_fwmark(std::uint32_t fwmark) {
  if (fwmark == options_.fwmark) return {};
  TRY(socket_.set_fwmark(fwmark));
  options_.fwmark = fwmark;
  return {};
}

}  // namespace wg4
