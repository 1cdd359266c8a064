#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shared/net/ip_address.h"
#include "wg4netns/verify/inside_facts.h"

namespace wg4::verify {

/// The servers of a resolv.conf(5).
[[nodiscard]] std::vector<IpAddress> servers_in(std::string_view resolv_conf);

/// Asks each of them for the name servers of the root, over UDP, and waits for some seconds. The query gives away no
/// name that the user looks up.
[[nodiscard]] std::vector<Server> ask_servers(const std::vector<IpAddress>& addresses);

}  // namespace wg4::verify
