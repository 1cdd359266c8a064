#pragma once
// Ports as on a command line: "80", or "8000-8010".

#include <cstdint>
#include <optional>
#include <string_view>

namespace wg4::forward {

struct PortRange {
  std::uint16_t first = 0;  ///< at least 1
  std::uint16_t last = 0;
  [[nodiscard]] int size() const { return last - first + 1; }
  [[nodiscard]] bool contains(std::uint16_t port) const { return first <= port && port <= last; }

  friend bool operator==(const PortRange&, const PortRange&) = default;
};

/// Nothing for any other text, including port 0 and descending ranges.
[[nodiscard]] std::optional<PortRange> parse_range(std::string_view text);

}  // namespace wg4::forward
