#pragma once
// The options of slirp4netns that concern engines, and when they are meant. For cli.cc alone.

#include <optional>
#include <string>

#include "shared/base/result.h"
#include "wg4netns/daemon/engine_network.h"

namespace CLI {
class App;
}

namespace wg4 {

/// What was written on the command line, word by word.
struct EngineArguments {
  std::optional<std::string> cidr;
  std::optional<std::string> mac_address;
  std::optional<std::string> target_type;
  bool disable_dns = false;
  bool accepted = false;  ///< an option that only engines use and that needs nothing to be done
  bool wanted = false;    ///< --engine-addresses
  bool refused = false;   ///< --no-engine-addresses
};

void add_engine_options(CLI::App& app, EngineArguments& arguments);

/// Nothing for a plain tunnel. The engine's network is there when the program is called as slirp4netns, when the
/// interface is tap0 (the name that engines give), or when an option of this file says so.
[[nodiscard]] Result<std::optional<EngineOptions>> engine_options(const EngineArguments& arguments,
                                                                  const std::string& program,
                                                                  const std::string& ifname);

}  // namespace wg4
