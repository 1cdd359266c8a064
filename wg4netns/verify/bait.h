#pragma once

#include <cstdint>
#include <string>

#include "shared/base/unique_fd.h"

namespace wg4::verify {

/// Sockets on the host that no process inside a tunnel can reach, if the tunnel is isolated. One that cannot be made is
/// left out: a host without IPv6 has no ::1.
class Bait {
 public:
  Bait();
  [[nodiscard]] std::uint16_t port_v4() const;  ///< 0: none
  [[nodiscard]] std::uint16_t port_v6() const;
  [[nodiscard]] const std::string& abstract_name() const { return abstract_name_; }  ///< empty: none

  /// Whether somebody has connected since it was made.
  [[nodiscard]] bool was_reached_by_network() const;
  [[nodiscard]] bool was_reached_by_name() const;

 private:
  UniqueFd v4_;
  UniqueFd v6_;
  UniqueFd abstract_;
  std::string abstract_name_;
};

}  // namespace wg4::verify
