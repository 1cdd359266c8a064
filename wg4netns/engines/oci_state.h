#pragma once
// What a container runtime tells its hooks, as far as it concerns us: the state on their standard input, and the
// config.json of the bundle that it names (OCI runtime specification). The JSON library stays in oci_state.cc. Pure.
//
// An image brings annotations, too, so these values may come from a stranger.

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "shared/base/result.h"
#include "wg4netns/daemon/container_resolv_conf.h"

namespace wg4::oci {

inline constexpr std::size_t max_state_size = 1024UL * 1024;        // bytes; podman's has about 1 KiB
inline constexpr std::size_t max_config_size = 16UL * 1024 * 1024;  // bytes; podman's has about 10 KiB
inline constexpr std::string_view annotation_prefix = "io.wireguard4netns.";
/// The annotations beside "profile": a hook takes those that it has been told to.
inline constexpr std::array<std::string_view, 4> optional_annotations{"config", "ifname", "publish",
                                                                      "allow-shared-key"};

struct State {
  std::string id;                                  ///< printable
  std::int32_t pid = 0;                            ///< of the container's first process, above 0
  std::string bundle;                              ///< absolute path of the folder that has config.json
  std::map<std::string, std::string> annotations;  ///< ours, without the prefix; printable, not empty
};

[[nodiscard]] Result<State> parse_state(std::string_view text);

/// Nothing if the user has mounted a file of their own there, or runs on the host's files. A file that is mounted and
/// has the container's id in its path is the engine's own, written for this container.
[[nodiscard]] Result<std::optional<ContainerResolvConf>> find_resolv_conf(std::string_view config_json,
                                                                          const State& state);

}  // namespace wg4::oci
