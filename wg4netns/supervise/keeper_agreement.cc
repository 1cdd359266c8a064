#include "wg4netns/supervise/keeper_agreement.h"

#include <algorithm>
#include <utility>

namespace wg4::keeper {
namespace {

std::string name_of(const std::string& option) { return option.substr(0, option.find('=')); }

}  // namespace

Result<void> expect_agreement(const Join& join, const Serve& serve, const std::string& name) {
  const std::string tunnel = "the tunnel " + name;
  if (join.version != version)
    return fail(tunnel + " was started by another version of this program", 0,
                "End it with: wireguard4netns down --force " + name);
  if (!join.config.empty() && join.config != serve.config)
    return fail(tunnel + " runs with the configuration " + serve.config + ", and not " + join.config, 0,
                "Give the other tunnel another name: --name NAME");
  for (const std::string& option : join.options) {
    if (std::ranges::find(serve.options, option) != serve.options.end()) continue;
    const auto other = std::ranges::find(serve.options, name_of(option), name_of);
    std::string what = tunnel + " runs ";
    what += other == serve.options.end() ? "without " + name_of(option) : "with " + *other;
    what.append(", and not with ").append(option);
    return fail(std::move(what), 0, "Leave it out to join the tunnel, or give another one another name: --name NAME");
  }
  return {};
}

}  // namespace wg4::keeper
