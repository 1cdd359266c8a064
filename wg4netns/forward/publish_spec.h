#pragma once
// -p, --publish: [ADDRESS:]PORT:[ADDRESS:]PORT[/PROTOCOL], the host's side first. Ports may be ranges of the same
// length; IPv6 addresses are in brackets.

#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/net/ip_address.h"
#include "wg4netns/forward/rule.h"

namespace wg4::forward {

/// The address in the namespace that --publish means if it names none.
[[nodiscard]] IpAddress published_loopback();

/// One rule for each port of a range. `guest` replaces a missing address in the namespace.
[[nodiscard]] Result<std::vector<Rule>> parse_publish(std::string_view text, const IpAddress& guest);

}  // namespace wg4::forward
