#include "wg4netns/forward/auto_ports.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>

namespace wg4::forward {
namespace {

constexpr std::size_t max_table = std::size_t{16} << 20;  // bytes: enough for every port of every address
constexpr std::array table_protocols{Protocol::tcp, Protocol::udp, Protocol::tcp, Protocol::udp};

}  // namespace

std::map<AutoPorts::Port, Reach> AutoPorts::listening() {
  std::map<Port, Reach> found;
  for (std::size_t i = 0; i < std::min(tables_.size(), table_protocols.size()); ++i) {
    const Protocol protocol = table_protocols[i];
    if (!settings_.excluded.contains(protocol)) continue;
    for (const auto& [port, reach] : listening_ports(read_table(tables_[i].get()), protocol)) {
      if (is_excluded({protocol, port})) continue;
      Reach& known = found.emplace(Port{protocol, port}, reach).first->second;
      known = std::max(known, reach);
    }
  }
  return found;
}

bool AutoPorts::is_excluded(const Port& port) const {
  return std::ranges::any_of(settings_.excluded.at(port.first),
                             [&port](const PortRange& range) { return range.contains(port.second); });
}

/// Reads the table, up to max_table bytes.
std::string_view AutoPorts::read_table(int fd) {
  constexpr std::size_t step = 16 * 1024;
  std::size_t used = 0;
  while (used < max_table) {
    if (text_.size() < used + step) text_.resize(used + step);
    const ssize_t got = pread(fd, &text_[used], step, static_cast<off_t>(used));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    used += static_cast<std::size_t>(got);
  }
  return std::string_view(text_).substr(0, used);
}

}  // namespace wg4::forward
