#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>

#include "shared/base/result.h"
#include "shared/net/ip_address.h"
#include "shared/net/loopback.h"
#include "shared/net/prefix.h"
#include "shared/sys/netlink.h"
#include "shared/sys/netlink_message.h"

namespace wg4 {

Result<void> Netlink::add_local_network(const Link& loopback, const Prefix& network) {
  const bool v4 = network.address.is_v4();
  netlink::Request request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
  auto& body = request.body<rtmsg>();
  body.rtm_family = v4 ? AF_INET : AF_INET6;
  body.rtm_dst_len = network.length;
  body.rtm_table = RT_TABLE_LOCAL;
  body.rtm_protocol = RTPROT_STATIC;
  body.rtm_scope = RT_SCOPE_HOST;
  body.rtm_type = RTN_LOCAL;
  request.put(RTA_DST, network.masked().address);
  request.put(RTA_OIF, loopback.index);
  // A client of IPv6 would take another interface's address, and be answered there; one of IPv4 takes the same one.
  if (!v4) request.put(RTA_PREFSRC, wg4::loopback(Family::v6));
  auto added = send_one(request.message(), "make the addresses of " + network.to_string() + " the namespace's own");
  if (!added && added.error().number == EEXIST) return {};
  return added;
}

}  // namespace wg4
