#include "netns-helper/tun.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <expected>
#include <string_view>
#include <utility>

#include "shared/sys/namespaces.h"
#include "shared/sys/tun_file.h"

namespace wg4 {
namespace {

constexpr const char* other_name_hint = "Choose another interface name";

bool is_name_character(char c) {
  constexpr std::string_view others = "_=+.-";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         others.find(c) != std::string_view::npos;
}

Result<void> check_name(const std::string& name) {
  const bool fits = !name.empty() && name.size() < IFNAMSIZ && name != "." && name != "..";
  if (fits && std::ranges::all_of(name, is_name_character)) return {};
  return fail("'" + name + "' cannot be the name of an interface", 0,
              "Use 1 to 15 characters of a-z A-Z 0-9 _ = + . -");
}

/// What a TUN can be made of: as asked for, or as an interface that has the name already is.
struct Shape {
  unsigned queues = 1;
  bool multi_queue = false;
};

Result<Shape> take_over(const Link& existing, Shape wanted) {
  const std::string kind = existing.kind.empty() ? "" : existing.kind + " ";
  if (!existing.tun)
    return fail("the interface name " + existing.name + " is taken by a " + kind + "device in the namespace", 0,
                other_name_hint);
  if (!existing.tun->persistent || existing.carrier)
    return fail("the interface name " + existing.name + " is taken by a TUN or TAP that a running program uses", EBUSY,
                "End that program, or choose another interface name");
  if (existing.tun->tap) return wanted;
  return Shape{existing.tun->multi_queue ? wanted.queues : 1, existing.tun->multi_queue};
}

std::string hint_for_attach(int number) {
  switch (number) {
    case EBUSY:
    case EINVAL:
      return std::string("The name is taken in the namespace. ") + other_name_hint;
    case EPERM:
      if (std::string why = userns_restriction(); !why.empty()) return why;
      return "It takes CAP_NET_ADMIN in the user namespace that owns the network namespace";
    default:
      return {};
  }
}

/// The device is bound to a network namespace when it is opened, not when it is attached.
Result<UniqueFd> open_queue(const std::string& ifname, unsigned flags) {
  UniqueFd fd(open(tun_file_path, O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return fail(std::string("open ") + tun_file_path, errno);
  ifreq request{};
  std::memcpy(request.ifr_name, ifname.data(), ifname.size());
  request.ifr_flags = static_cast<std::int16_t>(flags);
  if (ioctl(fd.get(), TUNSETIFF, &request) != 0) {
    const int number = errno;
    return fail("make the TUN interface " + ifname, number, hint_for_attach(number));
  }
  return fd;
}

}  // namespace

Result<Tun> make_tun(Netlink& netlink, const TunRequest& request) {
  TRY(check_name(request.ifname));
  if (auto fault = fault_of(look_at_tun_file())) return std::unexpected(*std::move(fault));
  Shape shape{request.queues, request.queues > 1};
  const auto existing = TRY(netlink.link(request.ifname));
  if (existing) shape = TRY(take_over(*existing, shape));

  Tun tun;
  tun.existed = existing.has_value();
  if (existing && existing->tun->tap) tun.replaced = ReplacedTap(*existing, request.await_owner);
  const unsigned flags = static_cast<unsigned>(IFF_TUN) | static_cast<unsigned>(IFF_NO_PI) |
                         (request.vnet_hdr ? unsigned{IFF_VNET_HDR} : 0U) |
                         (shape.multi_queue ? unsigned{IFF_MULTI_QUEUE} : 0U);
  const std::string name = tun.replaced ? tun.replaced->name_of_tun() : request.ifname;
  for (unsigned i = 0; i < shape.queues; ++i) tun.queues.push_back(TRY(open_queue(name, flags)));

  ifreq made{};
  if (ioctl(tun.queues.front().get(), TUNGETIFF, &made) != 0)
    return fail("ask for the name of the new TUN interface", errno);
  tun.ifname = tun.replaced ? request.ifname : std::string(made.ifr_name, strnlen(made.ifr_name, IFNAMSIZ));
  tun.flags = static_cast<std::uint16_t>(made.ifr_flags);
  return tun;
}

Result<TunOfDescriptor> look_at_tun(int fd) {
  struct stat info{};
  if (fstat(fd, &info) != 0) return fail("look at the interface that serves", errno);
  const bool is_tun = S_ISCHR(info.st_mode) && info.st_rdev == makedev(tun_file_major, tun_file_minor);
  ifreq request{};
  if (!is_tun || ioctl(fd, TUNGETIFF, &request) != 0) return fail("what the tunnel passed is no TUN interface");
  UniqueFd net(ioctl(fd, SIOCGSKNS));
  if (!net.valid())
    return fail("find the network namespace of " + std::string(request.ifr_name, strnlen(request.ifr_name, IFNAMSIZ)),
                errno, "The namespace must belong to the user who reloads");
  return TunOfDescriptor{std::string(request.ifr_name, strnlen(request.ifr_name, IFNAMSIZ)), std::move(net)};
}

}  // namespace wg4
