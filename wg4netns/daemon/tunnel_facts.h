#pragma once
// The facts of a tunnel that serves, gathered once: metrics, the control socket (and by it `show`, `reload` and
// `doctor`) and the log all take them from here.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wg4netns/core/time.h"
#include "wg4netns/metrics/tunnel_metrics.h"
#include "wg4netns/uapi/codec.h"

namespace wg4 {

/// Who gives the interface its addresses and routes.
enum class LinkOwner : std::uint8_t {
  ours,    ///< the helper: a reload can do it again
  engine,  ///< the helper, as an engine needs it: for one start
  others,
};
[[nodiscard]] std::string_view name(LinkOwner owner);

/// The interface in the namespace.
struct LinkFacts {
  uapi::LinkStatus status;  ///< a reload may change it
  LinkOwner owner = LinkOwner::others;
  std::optional<std::uint16_t> wanted_mtu;  ///< --mtu
  std::string dns;                          ///< of the configuration
  bool uses_dns = false;                    ///< the namespace's processes ask there
};

/// What moves packets.
struct DataPlaneFacts {
  std::string interface;  ///< its name in the namespace
  std::size_t threads = 1;
  std::size_t queues = 1;
  std::string cipher;  ///< the AEAD backend
  std::vector<metrics::Facts::Offload> offloads;
};
/// "checksum tso", or "none".
[[nodiscard]] std::string describe(const std::vector<metrics::Facts::Offload>& offloads);

struct TunnelFacts {
  std::string config;  ///< path of the file that it was started with
  LinkFacts link;
  DataPlaneFacts data_plane;
  std::string sandbox;                ///< "whole", "off", or what it does without
  std::vector<std::string> warnings;  ///< of the start
  WallTime start;
};

[[nodiscard]] metrics::Facts metrics_facts(const TunnelFacts& facts);

}  // namespace wg4
