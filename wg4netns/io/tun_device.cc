#include "wg4netns/io/tun_device.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <string>

#include "wg4netns/offload/virtio_net_header.h"

// Not in kernel headers before Linux 6.2.
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20U
#define TUN_F_USO6 0x40U
#endif

namespace wg4 {

Result<TunDevice> TunDevice::adopt(UniqueFd fd, TunOffloads wanted) {
  ifreq request{};
  if (ioctl(fd.get(), TUNGETIFF, &request) < 0)
    return fail("descriptor " + std::to_string(fd.get()) + " is not an attached TUN", errno,
                "Open /dev/net/tun and attach it with TUNSETIFF before handing it over");
  const unsigned flags = static_cast<unsigned short>(request.ifr_flags);
  if ((flags & IFF_TUN) == 0 || (flags & IFF_NO_PI) == 0)
    return fail("device " + std::string(request.ifr_name) + " has the wrong framing", 0,
                "Make it with IFF_TUN | IFF_NO_PI, and IFF_VNET_HDR for speed");
  const int status = fcntl(fd.get(), F_GETFL);
  if (status < 0 || fcntl(fd.get(), F_SETFL, status | O_NONBLOCK) < 0)
    return fail("make the TUN descriptor non-blocking", errno);

  TunDevice tun(std::move(fd), request.ifr_name, (flags & IFF_VNET_HDR) != 0);
  if (tun.has_header_) {
    int size = offload::virtio_net_header_size;
    if (ioctl(tun.fd(), TUNSETVNETHDRSZ, &size) < 0) return fail("set the size of the TUN's packet header", errno);
    tun.enable(wanted);
  }
  return tun;
}

/// Tries fewer and fewer offloads, from all wanted to none, until the kernel accepts.
void TunDevice::enable(TunOffloads wanted) {
  wanted.segment_tcp &= wanted.checksum;
  wanted.segment_udp &= wanted.segment_tcp;
  for (;;) {
    const unsigned flags = (wanted.checksum ? TUN_F_CSUM : 0U) | (wanted.segment_tcp ? TUN_F_TSO4 | TUN_F_TSO6 : 0U) |
                           (wanted.segment_udp ? TUN_F_USO4 | TUN_F_USO6 : 0U);
    offloads_ = wanted;
    if (ioctl(fd_.get(), TUNSETOFFLOAD, static_cast<unsigned long>(flags)) == 0 || !wanted.checksum) return;
    if (wanted.segment_udp) {
      wanted.segment_udp = false;
    } else if (wanted.segment_tcp) {
      wanted.segment_tcp = false;
    } else {
      wanted.checksum = false;
    }
  }
}

TunDevice::Read TunDevice::read(ByteSpan frame) const {
  const std::size_t header = has_header_ ? 0 : offload::virtio_net_header_size;
  const ssize_t size = ::read(fd_.get(), frame.data() + header, frame.size() - header);
  if (size > 0) {
    std::fill_n(frame.data(), header, std::uint8_t{0});
    return {ReadStatus::packet, header + static_cast<std::size_t>(size)};
  }
  // The device was deleted, or its namespace has ended.
  if (size < 0 && (errno == EBADFD || errno == ENODEV)) return {ReadStatus::gone};
  return {ReadStatus::empty};
}

bool TunDevice::write(offload::Gather gather) const {
  if (!has_header_) gather = gather.subspan(1);
  std::array<iovec, offload::Coalescer::max_pieces + 1> pieces;
  ssize_t size = 0;
  for (std::size_t i = 0; i < gather.size(); ++i) {
    // writev only reads its pieces, although their type is not const.
    pieces[i] = {const_cast<std::uint8_t*>(gather[i].data()), gather[i].size()};
    size += static_cast<ssize_t>(gather[i].size());
  }
  return writev(fd_.get(), pieces.data(), static_cast<int>(gather.size())) == size;
}

}  // namespace wg4
