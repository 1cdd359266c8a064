#pragma once
// The options -t and -u of pasta(1), which select the ports of the namespace to publish:
//
//   none | auto | [ADDRESS/]ENTRY[,ENTRY...]      ENTRY: PORT[-PORT][:PORT[-PORT]] or ~PORT[-PORT]
//
// The host's port is in front of the colon. Without ADDRESS it is on all addresses of the host, IPv4 and IPv6. "~"
// excludes ports; "auto" publishes each port that the namespace listens on, as long as it does so.

#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/net/protocol.h"
#include "wg4netns/forward/port_range.h"
#include "wg4netns/forward/rule.h"

namespace wg4::forward {

/// All options of one protocol together.
struct PastaPorts {
  std::vector<Rule> rules;          ///< with 0.0.0.0 as the address in the namespace
  bool automatic = false;           ///< "auto"
  std::vector<PortRange> excluded;  ///< from "auto"; no rule has one of them
};

/// Parses all option values of one protocol; they add up. "none" together with other ports is an error. Without `v6`, a
/// port without ADDRESS is published on IPv4 only.
[[nodiscard]] Result<PastaPorts> parse_pasta_ports(const std::vector<std::string>& texts, Protocol protocol, bool v6);

}  // namespace wg4::forward
