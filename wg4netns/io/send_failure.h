#pragma once

#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"

namespace wg4 {

/// What was said of a datagram of ours that did not arrive. ICMP is not authenticated: anybody can have made it up.
struct SendFailure {
  Endpoint to;
  int error = 0;      ///< errno: ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EACCES, EPERM ...
  IpAddress told_by;  ///< who sent an ICMP error; unspecified = this host itself
};

}  // namespace wg4
