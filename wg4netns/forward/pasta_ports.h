#pragma once
// -t and -u of pasta(1), which ports of the namespace are published:
//
//   none | auto | [ADDRESS/]ENTRY[,ENTRY...]      ENTRY: PORT[-PORT][:PORT[-PORT]] or ~PORT[-PORT]
//
// The host's port is in front of the colon. Without an address it is every one of the host's, IPv4 and IPv6. "~" takes
// ports out again; "auto" publishes whatever the namespace listens on, as long as it does.

#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/net/protocol.h"
#include "wg4netns/forward/port_range.h"
#include "wg4netns/forward/rule.h"

namespace wg4::forward {

/// What one protocol's options come to, together.
struct PastaPorts {
  std::vector<Rule> rules;          ///< the address in the namespace is left 0.0.0.0
  bool automatic = false;           ///< "auto"
  std::vector<PortRange> excluded;  ///< from "auto"; the rules have none of them
};

/// All texts that were given for one protocol, in their order; each counts, whatever the others say. "none" and other
/// ports together are an error. Without `v6` a port without an address is one of IPv4 alone.
[[nodiscard]] Result<PastaPorts> parse_pasta_ports(const std::vector<std::string>& texts, Protocol protocol, bool v6);

}  // namespace wg4::forward
