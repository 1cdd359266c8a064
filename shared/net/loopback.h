#pragma once

#include "shared/net/ip_address.h"

namespace wg4 {

/// 127.0.0.1 or ::1.
[[nodiscard]] IpAddress loopback(Family family);
/// 127.0.0.0/8 or ::1: only the machine itself can send there.
[[nodiscard]] bool is_loopback(const IpAddress& address);

}  // namespace wg4
