// The configuration file: no text may crash the parser, no message may quote a possible key, and an accepted
// configuration can be written out and read again without a change. Its link plan is what the file asks for.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "shared/base/check.h"
#include "shared/config/make_link_plan.h"
#include "shared/config/wg_config.h"
#include "shared/config/wg_text.h"
#include "shared/link/link_plan.h"
#include "shared/net/prefix.h"

namespace {

using wg4::LinkPlan;
using wg4::PeerConfig;
using wg4::Prefix;
using wg4::RouteTable;
using wg4::WgConfig;

std::optional<std::uint16_t> one_service(std::string_view name) {
  return name == "ntp" ? std::optional<std::uint16_t>(123) : std::nullopt;
}

std::string written(const WgConfig& config) { return std::string(wg4::to_wg_quick(config, wg4::Keys::shown).view()); }

void check_quotes_no_key(std::string_view message) {
  constexpr std::string_view base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
  std::size_t run = 0;
  for (const char c : message) {
    run = base64.contains(c) ? run + 1 : 0;
    CHECK(run <= 24);
    CHECK(c >= ' ' && c <= '~');
  }
}

bool comes_before(const Prefix& left, const Prefix& right) {
  if (left.address.family() != right.address.family()) return left.address.is_v4();
  return left.length > right.length || (left.length == right.length && left.address < right.address);
}

void check_plan(const WgConfig& config) {
  const LinkPlan plan = wg4::make_link_plan(config, 1420);
  CHECK(plan.addresses == config.addresses);
  CHECK(std::ranges::adjacent_find(plan.routes, std::not_fn(comes_before)) == plan.routes.end());
  if (config.table == RouteTable::off) CHECK(plan.routes.empty());
  for (const PeerConfig& peer : config.peers) {
    for (const Prefix& prefix : peer.allowed_ips) {
      CHECK(prefix == prefix.masked());
      const bool routed = std::ranges::binary_search(plan.routes, prefix, comes_before);
      const bool covered = std::ranges::any_of(config.addresses, [&](const Prefix& a) { return a.covers(prefix); });
      CHECK(routed || covered || config.table == RouteTable::off);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  const auto config = WgConfig::parse(text, one_service);
  if (!config) {
    CHECK(config.error().what.starts_with("line "));
    check_quotes_no_key(config.error().message());
    return 0;
  }
  std::ranges::for_each(config->warnings, check_quotes_no_key);
  const std::string once = written(*config);
  const auto again = WgConfig::parse(once);
  CHECK(again.has_value());
  CHECK(written(*again) == once);
  check_plan(*config);
  return 0;
}
