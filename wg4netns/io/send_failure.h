#pragma once

#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"

namespace wg4 {

/// A report that one of our datagrams did not arrive. ICMP is not authenticated: anybody can forge it.
struct SendFailure {
  Endpoint to;
  int error = 0;          ///< errno: ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EACCES, EPERM ...
  IpAddress reported_by;  ///< the sender of an ICMP error; unspecified = this host itself
};

}  // namespace wg4
