#pragma once
// Judges what is known of a tunnel's isolation. Pure: facts in, verdicts out. Texts have no numbers that change from
// one look to the next, so that a change of a text is a change of the matter.

#include "wg4netns/doctor/report.h"
#include "wg4netns/verify/facts.h"

namespace wg4::verify {

/// Namespaces, interfaces, routes, the host's loopback, DNS, the last handshake.
[[nodiscard]] doctor::Report check_network(const Facts& facts);
/// Files and services by which names could be resolved elsewhere, other sockets, keys.
[[nodiscard]] doctor::Report check_ways(const Facts& facts);
/// Processes inside: where they are, what they have open, what they may do.
[[nodiscard]] doctor::Report check_processes(const Facts& facts);
/// What is open on purpose.
[[nodiscard]] doctor::Report list_exceptions(const Facts& facts);

/// All of these, in this order.
[[nodiscard]] doctor::Report check_isolation(const Facts& facts);

}  // namespace wg4::verify
