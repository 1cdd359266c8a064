#include "wg4netns/io/tun_device.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

namespace wg4 {

Result<TunDevice> TunDevice::adopt(UniqueFd fd) {
  ifreq request{};
  if (ioctl(fd.get(), TUNGETIFF, &request) < 0)
    return fail("descriptor " + std::to_string(fd.get()) + " is not an attached TUN", errno,
                "Open /dev/net/tun and attach it with TUNSETIFF before handing it over");
  const unsigned flags = static_cast<unsigned short>(request.ifr_flags);
  if ((flags & IFF_TUN) == 0 || (flags & IFF_NO_PI) == 0 || (flags & IFF_VNET_HDR) != 0)
    return fail("device " + std::string(request.ifr_name) + " has the wrong framing", 0,
                "Make it with IFF_TUN | IFF_NO_PI and nothing more");
  const int status = fcntl(fd.get(), F_GETFL);
  if (status < 0 || fcntl(fd.get(), F_SETFL, status | O_NONBLOCK) < 0)
    return fail("make the TUN descriptor non-blocking", errno);
  return TunDevice(std::move(fd));
}

TunDevice::Read TunDevice::read(ByteSpan buffer) {
  const ssize_t size = ::read(fd_.get(), buffer.data(), buffer.size());
  if (size > 0) return {ReadStatus::packet, static_cast<std::size_t>(size)};
  // EBADFD is what remains of a device that was deleted or whose namespace ended.
  if (size < 0 && (errno == EBADFD || errno == ENODEV)) return {ReadStatus::gone};
  return {ReadStatus::empty};
}

bool TunDevice::write(ByteView packet) {
  return ::write(fd_.get(), packet.data(), packet.size()) == static_cast<ssize_t>(packet.size());
}

}  // namespace wg4
