#pragma once
// "auto": each port that the namespace listens on is published under the same number, as long as it does so. Linux does
// not report when a socket begins to listen, so the namespace's tables are read once a second.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/unique_fd.h"
#include "shared/net/protocol.h"
#include "wg4netns/forward/port_range.h"
#include "wg4netns/forward/port_table.h"
#include "wg4netns/forward/rule.h"

namespace wg4::forward {

/// Which ports of the namespace are to be published automatically.
struct AutoSettings {
  /// By protocol, the ports that are not to be published; a protocol that is not in the map is not published at all.
  std::map<Protocol, std::vector<PortRange>> excluded;
};

/// /proc/net/tcp, udp, tcp6, udp6 of the namespace, opened in it; the last two may be missing.
using PortTables = std::vector<UniqueFd>;

class AutoPorts {
 public:
  using Time = std::chrono::nanoseconds;
  using Port = std::pair<Protocol, std::uint16_t>;
  static constexpr Time interval = std::chrono::seconds(1);

  AutoPorts(AutoSettings settings, PortTables tables) : settings_(std::move(settings)), tables_(std::move(tables)) {}

  /// The ports that have listeners now and are not excluded.
  [[nodiscard]] std::map<Port, Reach> listening();

  /// The rules in force, by port.
  std::map<Port, std::vector<RuleId>> published;
  /// When to look again.
  Time next{};

 private:
  [[nodiscard]] bool is_excluded(const Port& port) const;
  [[nodiscard]] std::string_view read_table(int fd);

  AutoSettings settings_;
  PortTables tables_;
  std::string text_;
};

}  // namespace wg4::forward
