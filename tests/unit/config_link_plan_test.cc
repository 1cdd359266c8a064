#include "shared/config/make_link_plan.h"
#include "shared/config/wg_config.h"
#include "shared/link/link_plan.h"
#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/config_support.h"

using namespace wg4;
using namespace wg4::config_test;

namespace {

std::string routes(std::string_view interface_lines, std::string_view allowed) {
  const WgConfig config = accepted(interface_with(interface_lines) + peer_with("AllowedIPs = " + std::string(allowed)));
  return joined(make_link_plan(config, 1420).routes);
}

}  // namespace

TEST_CASE("a plan carries addresses and the MTU that the caller chose") {
  const WgConfig config = accepted(interface_with("Address = 10.0.0.2/24, fd00::2/64\nMTU = 1300"));
  const LinkPlan plan = make_link_plan(config, 1234);
  CHECK_EQ(plan.mtu, 1234);
  CHECK_EQ(joined(plan.addresses), "10.0.0.2/24 fd00::2/64");
  CHECK_EQ(plan.table, 0);
  CHECK(plan.routes.empty());
}

TEST_CASE("routes: IPv4 before IPv6, the longest prefix first, whatever the order in the file") {
  CHECK_EQ(routes("", "0.0.0.0/0, ::/0, 10.0.0.0/8, fd00::/64, 10.1.0.0/16, 10.0.0.1, fd00::1, 9.0.0.0/8"),
           "10.0.0.1/32 10.1.0.0/16 9.0.0.0/8 10.0.0.0/8 0.0.0.0/0 fd00::1/128 fd00::/64 ::/0");
}

TEST_CASE("routes: all peers together, each prefix once and masked") {
  WgConfig config;
  config.peers.resize(2);
  config.peers[0].allowed_ips = {*Prefix::parse("10.0.0.1/8"), *Prefix::parse("10.0.0.0/8")};
  config.peers[1].allowed_ips = {*Prefix::parse("10.2.0.0/16"), *Prefix::parse("10.0.0.2/8")};
  CHECK_EQ(joined(make_link_plan(config, 1420).routes), "10.2.0.0/16 10.0.0.0/8");
}

TEST_CASE("routes: a shorter route does not make a longer one needless: other interfaces may have routes in between") {
  CHECK_EQ(routes("", "10.0.0.0/8, 10.1.0.0/16, 0.0.0.0/0"), "10.1.0.0/16 10.0.0.0/8 0.0.0.0/0");
}

TEST_CASE("routes: the kernel already has the routes inside of an address' own network") {
  CHECK_EQ(routes("Address = 10.0.0.2/24", "10.0.0.0/24, 10.0.0.1/32, 10.0.0.128/25, 10.0.1.0/24, 10.0.0.0/16"),
           "10.0.1.0/24 10.0.0.0/16");
  CHECK_EQ(routes("Address = fd00::2/64", "fd00::/64, fd00::1, fd00:0:0:1::/64"), "fd00:0:0:1::/64");
  CHECK_EQ(routes("Address = 10.0.0.2/24, 10.0.0.3/16, 10.2.0.1/24", "10.0.5.0/24, 10.0.0.1, 10.2.0.9, 10.3.0.0/24"),
           "10.3.0.0/24");
}

TEST_CASE("routes: a single IPv4 address has no network, a single IPv6 address is one") {
  CHECK_EQ(routes("Address = 10.0.0.2", "10.0.0.2/32"), "10.0.0.2/32");
  CHECK_EQ(routes("Address = fd00::2", "fd00::2/128, fd00::3/128"), "fd00::3/128");
}

TEST_CASE("routes: a default route is never taken for covered") {
  CHECK_EQ(routes("Address = 10.0.0.2/0, fd00::2/0", "0.0.0.0/0, ::/0, 10.0.0.0/8"), "10.0.0.0/8 0.0.0.0/0 ::/0");
}

TEST_CASE("Table = off makes no routes, a number puts all of them into that table") {
  CHECK_EQ(routes("Table = off", "10.0.0.0/8, 0.0.0.0/0"), "");
  const WgConfig config =
      accepted(interface_with("Table = 1234\nAddress = 10.0.0.2/24") + peer_with("AllowedIPs = 10.0.0.1, 0.0.0.0/0"));
  const LinkPlan plan = make_link_plan(config, 1420);
  CHECK_EQ(plan.table, 1234);
  CHECK_EQ(joined(plan.routes), "10.0.0.1/32 0.0.0.0/0");  // the address' own network is in the main table
}

TEST_CASE("random plans against a plain implementation of the rule") {
  std::mt19937 random(3);
  const auto any_prefix = [&] {
    const std::array<std::uint8_t, 4> bytes{10, 0, static_cast<std::uint8_t>(random() % 4),
                                            static_cast<std::uint8_t>(random())};
    return Prefix{IpAddress::v4(bytes), static_cast<std::uint8_t>(20 + random() % 13)};
  };
  for (int round = 0; round < 500; ++round) {
    WgConfig config;
    PeerConfig& peer = config.peers.emplace_back();
    for (int i = 0; i < 20; ++i) peer.allowed_ips.push_back(any_prefix().masked());
    for (int i = 0; i < 4; ++i) config.addresses.push_back(any_prefix());
    const LinkPlan plan = make_link_plan(config, 1420);

    for (const Prefix& wanted : peer.allowed_ips) {
      const bool covered =
          std::ranges::any_of(config.addresses, [&](const Prefix& a) { return a.length < 32 && a.covers(wanted); });
      CAPTURE(wanted.to_string());
      CHECK_EQ(std::ranges::count(plan.routes, wanted), covered ? 0 : 1);
    }
    CHECK(std::ranges::is_sorted(plan.routes, std::ranges::greater{}, &Prefix::length));
  }
}
