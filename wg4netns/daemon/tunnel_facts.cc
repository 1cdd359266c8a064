#include "wg4netns/daemon/tunnel_facts.h"

#include "shared/base/version.h"

namespace wg4 {

std::string_view name(LinkOwner owner) {
  switch (owner) {
    case LinkOwner::ours:
      return "wireguard4netns";
    case LinkOwner::engine:
      return "wireguard4netns, for an engine";
    case LinkOwner::others:
      break;
  }
  return "others";
}

std::string describe(const std::vector<metrics::Facts::Offload>& offloads) {
  std::string text;
  for (const auto& [name, active] : offloads)
    if (active) text.append(text.empty() ? "" : " ").append(name);
  return text.empty() ? "none" : text;
}

metrics::Facts metrics_facts(const TunnelFacts& facts) {
  return {.interface = facts.data_plane.interface,
          .version = std::string(version),
          .cipher = facts.data_plane.cipher,
          .offloads = facts.data_plane.offloads,
          .threads = facts.data_plane.threads,
          .mtu = facts.link.status.mtu,
          .start = facts.start};
}

}  // namespace wg4
