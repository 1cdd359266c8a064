// Runs in a network namespace of its own (see sys.cmake), so nothing here touches the host's.

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"
#include "shared/sys/netlink.h"

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace wg4 {
namespace {

Netlink open_netlink() {
  auto netlink = Netlink::open();
  REQUIRE(netlink.has_value());
  return std::move(*netlink);
}

template <class T>
T must(Result<T> result) {
  REQUIRE_MESSAGE(result.has_value(), result.error().message());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

Prefix prefix(const char* text) {
  const auto parsed = Prefix::parse(text);
  REQUIRE(parsed.has_value());
  return *parsed;
}

Endpoint endpoint(const char* text) {
  const auto parsed = Endpoint::parse(text);
  REQUIRE(parsed.has_value());
  return *parsed;
}

void run(const std::string& command) { REQUIRE(std::system(command.c_str()) == 0); }

/// A pair of virtual Ethernet devices, `name` up and its peer too; gone at the end of the test.
class TestLink {
 public:
  TestLink(Netlink& netlink, const std::string& name) : netlink_(netlink) {
    run("ip link add name " + name + " type veth peer name " + name + "-peer && ip link set " + name + "-peer up");
    link_ = must(netlink.link(name)).value();
    must(netlink.bring_up(link_));
  }
  TestLink(const TestLink&) = delete;
  TestLink& operator=(const TestLink&) = delete;
  ~TestLink() { CHECK(netlink_.delete_link(link_).has_value()); }
  [[nodiscard]] const Link& get() const { return link_; }

 private:
  Netlink& netlink_;
  Link link_;
};

TEST_CASE("a link is found by its name") {
  Netlink netlink = open_netlink();
  const TestLink test(netlink, "test0");
  CHECK(test.get().name == "test0");
  CHECK(test.get().kind == "veth");
  CHECK(test.get().index > 1);
  CHECK_FALSE(test.get().tun.has_value());
  const Link loopback = must(netlink.link("lo")).value();
  CHECK(loopback.index == 1);
  CHECK(loopback.kind.empty());

  CHECK_FALSE(must(netlink.link("absent")).has_value());
  CHECK_FALSE(must(netlink.link("")).has_value());
  CHECK_FALSE(must(netlink.link("sixteen.letters.")).has_value());
}

TEST_CASE("a deleted link is gone, and says so") {
  Netlink netlink = open_netlink();
  Link link;
  {
    const TestLink test(netlink, "test0");
    link = test.get();
  }
  CHECK_FALSE(must(netlink.link("test0")).has_value());
  const auto error = netlink.bring_up(link);
  REQUIRE_FALSE(error.has_value());
  CHECK(error.error().number == ENODEV);
  CHECK(error.error().what.find("test0") != std::string::npos);
}

TEST_CASE("MTU and queue length are set; an error has the kernel's text") {
  Netlink netlink = open_netlink();
  const TestLink test(netlink, "test0");
  must(netlink.change_link(test.get(), {.mtu = 1300, .queue_length = 77}));
  CHECK(must(netlink.link("test0")).value().mtu == 1300);
  run("ip link show test0 | grep -q 'qlen 77'");

  const auto refused = netlink.change_link(test.get(), {.mtu = 1});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().number == EINVAL);
  CHECK(refused.error().what == "set the interface test0 to MTU 1 (mtu less than device minimum)");
}

TEST_CASE("addresses of both families are usable at once, and may exist already") {
  Netlink netlink = open_netlink();
  const TestLink test(netlink, "test0");
  for (int times = 0; times < 2; ++times) {
    must(netlink.add_address(test.get(), prefix("192.0.2.1/24")));
    must(netlink.add_address(test.get(), prefix("2001:db8::1/64")));
  }
  run("ip -4 addr show dev test0 | grep -q 'inet 192.0.2.1/24 '");
  run("ip -6 addr show dev test0 | grep 'inet6 2001:db8::1/64 ' | grep -q nodad");
}

TEST_CASE("where IPv6 is off, an address says EACCES") {
  Netlink netlink = open_netlink();
  const TestLink test(netlink, "test0");
  run("echo 1 > /proc/sys/net/ipv6/conf/test0/disable_ipv6");
  const auto error = netlink.add_address(test.get(), prefix("2001:db8::1/64"));
  REQUIRE_FALSE(error.has_value());
  CHECK(error.error().number == EACCES);
}

TEST_CASE("a link can be kept from making a link-local address") {
  Netlink netlink = open_netlink();
  run("ip link add name test1 type veth peer name test1-peer && ip link set test1-peer up");
  const Link link = must(netlink.link("test1")).value();
  must(netlink.suppress_link_local(link));
  must(netlink.bring_up(link));
  run("! ip -6 addr show dev test1 | grep -q fe80");
  run("ip -6 addr show dev test1-peer | grep -q fe80");
  must(netlink.delete_link(link));
}

TEST_CASE("routes of both families, with table and preferred source") {
  Netlink netlink = open_netlink();
  const TestLink test(netlink, "test0");
  must(netlink.add_address(test.get(), prefix("192.0.2.1/32")));
  const std::array routes{prefix("10.1.2.3/8"), prefix("0.0.0.0/0"), prefix("2001:db8:1::/48"), prefix("::/0")};
  CHECK(must(netlink.add_routes(test.get(), routes)).empty());
  run("ip -4 route show default | grep -q '^default dev test0 proto static scope link'");
  run("ip -4 route show 10.0.0.0/8 | grep -q 'dev test0'");
  run("ip -6 route show default | grep -q 'dev test0'");
  run("ip -6 route show 2001:db8:1::/48 | grep -q 'dev test0'");

  const std::array in_table{prefix("10.2.0.0/16")};
  CHECK(must(netlink.add_routes(test.get(), in_table,
                                {.table = 51820, .preferred_source = IpAddress::parse("192.0.2.1")}))
            .empty());
  run("ip route show table 51820 | grep -q '^10.2.0.0/16 dev test0 proto static scope link src 192.0.2.1'");
}

TEST_CASE("all addresses of a local network are this namespace's own") {
  Netlink netlink = open_netlink();
  const Link lo = must(netlink.link("lo")).value();
  must(netlink.bring_up(lo));
  for (const char* network : {"198.51.100.0/24", "2001:db8:9::/64"}) {
    must(netlink.add_local_network(lo, prefix(network)));
    must(netlink.add_local_network(lo, prefix(network)));
  }
  run("ip route get 198.51.100.77 | grep -q '^local .* dev lo'");
  run("ip -6 route get 2001:db8:9::77 | grep -q '^local .* dev lo .*src ::1'");
  run("ip route flush table local 198.51.100.0/24 && ip -6 route flush table local 2001:db8:9::/64");
}

TEST_CASE("our routes are distinguished from others, and can be removed") {
  Netlink netlink = open_netlink();
  const TestLink test(netlink, "test0");
  const std::array addresses{prefix("192.0.2.1/24"), prefix("2001:db8::1/64")};
  for (const Prefix& address : addresses) must(netlink.add_address(test.get(), address));
  CHECK_EQ(must(netlink.addresses(test.get())).size(), 2U);

  run("ip route add 10.1.0.0/16 dev test0");
  const std::array routes{prefix("10.2.0.0/16"), prefix("2001:db8:1::/48"), prefix("0.0.0.0/0")};
  must(netlink.add_routes(test.get(), routes));
  must(netlink.add_routes(test.get(), std::array{prefix("10.3.0.0/16")}, {.table = 77}));
  const auto ours = must(netlink.own_routes(test.get()));
  CHECK_EQ(ours.size(), 4U);
  for (int times = 0; times < 2; ++times) must(netlink.remove_routes(test.get(), ours));
  CHECK(must(netlink.own_routes(test.get())).empty());
  run("ip route show | grep -q '^10.1.0.0/16 dev test0'");

  for (int times = 0; times < 2; ++times)
    for (const Prefix& address : addresses) must(netlink.remove_address(test.get(), address));
  CHECK(must(netlink.addresses(test.get())).empty());
}

TEST_CASE("a gateway is the next hop of default routes alone, in whatever network it is") {
  Netlink netlink = open_netlink();
  const TestLink test(netlink, "test0");
  must(netlink.add_address(test.get(), prefix("192.0.2.1/32")));
  must(netlink.add_address(test.get(), prefix("2001:db8::1/128")));
  for (const auto& [routes, gateway] : {std::pair{std::array{prefix("0.0.0.0/0"), prefix("10.0.0.0/8")}, "10.0.2.2"},
                                        {std::array{prefix("::/0"), prefix("2001:db8:1::/48")}, "fd00::2"}})
    for (int times = 0; times < 2; ++times)
      CHECK(must(netlink.add_routes(test.get(), routes, {.gateway = IpAddress::parse(gateway)})).empty());
  run("ip -4 route show default | grep -q '^default via 10.0.2.2 dev test0'");
  run("ip -4 route show 10.0.0.0/8 | grep -q '^10.0.0.0/8 dev test0 proto static scope link'");
  run("ip -6 route show default | grep -q '^default via fd00::2 dev test0'");
  run("ip -6 route show 2001:db8:1::/48 | grep -q '^2001:db8:1::/48 dev test0'");
}

TEST_CASE("the entries of a link are added to another, to no other, and not twice") {
  Netlink netlink = open_netlink();
  const TestLink from(netlink, "from0");
  const TestLink to(netlink, "to0");
  run("ip addr add 192.0.2.1/24 dev from0 && ip -6 addr add 2001:db8::1/64 dev from0 nodad");
  run("ip route add 10.1.0.0/16 via 192.0.2.9 dev from0 metric 7 && ip route add default via 192.0.2.2 dev from0");
  run("ip route add 10.2.0.0/16 dev from0 table 99 && ip -6 route add 2001:db8:1::/48 dev from0");
  const auto entries = must(netlink.entries(from.get()));
  CHECK(entries.size() == 6);  // the link-local address and the routes of addresses are the kernel's
  for (int times = 0; times < 2; ++times)
    for (const LinkEntry& entry : entries) must(netlink.add_entry(to.get(), entry));
  CHECK(must(netlink.entries(to.get())).size() == 6);
  CHECK(must(netlink.entries(from.get())).size() == 6);
  run("ip -4 addr show dev to0 | grep -q 'inet 192.0.2.1/24 scope global to0$'");
  run("ip -6 addr show dev to0 | grep -q 'inet6 2001:db8::1/64 '");
  run("ip route show default dev to0 | grep -q '^default via 192.0.2.2'");
  run("ip route show 10.1.0.0/16 dev to0 | grep -q 'via 192.0.2.9 metric 7'");
  run("ip route show table 99 dev to0 | grep -q '^10.2.0.0/16'");
  run("ip -6 route show 2001:db8:1::/48 | grep -q 'dev to0'");
}

TEST_CASE("a link gets another name, unless that is taken") {
  Netlink netlink = open_netlink();
  const TestLink test(netlink, "test0");
  CHECK(netlink.rename_link(test.get(), "lo").error().number == EEXIST);
  run("ip link set test0 down");
  must(netlink.rename_link(test.get(), "other0"));
  CHECK(must(netlink.link("other0")).value().index == test.get().index);
  CHECK_FALSE(must(netlink.link("test0")).has_value());
}

TEST_CASE("a second start finds its routes without an error") {
  Netlink netlink = open_netlink();
  const TestLink test(netlink, "test0");
  const std::array routes{prefix("0.0.0.0/0"), prefix("10.0.0.0/8"), prefix("::/0")};
  CHECK(must(netlink.add_routes(test.get(), routes)).empty());
  CHECK(must(netlink.add_routes(test.get(), routes)).empty());
}

TEST_CASE("the route of another interface is left alone and reported") {
  Netlink netlink = open_netlink();
  const TestLink test(netlink, "test0");
  const TestLink other(netlink, "other0");
  run("ip route add default dev other0 && ip -6 route add default dev other0");
  run("ip route add blackhole 10.9.0.0/16 && ip route add 10.8.0.0/16 dev other0 metric 5");
  const std::array routes{prefix("0.0.0.0/0"), prefix("::/0"), prefix("10.9.0.0/16"), prefix("10.8.0.0/16")};
  const auto conflicts = must(netlink.add_routes(test.get(), routes));
  REQUIRE(conflicts.size() == 3);
  CHECK(conflicts[0].route == prefix("0.0.0.0/0"));
  CHECK(conflicts[0].owner == "other0");
  CHECK(conflicts[1].route == prefix("::/0"));
  CHECK(conflicts[1].owner == "other0");
  CHECK(conflicts[2].route == prefix("10.9.0.0/16"));
  CHECK(conflicts[2].owner.empty());
  run("ip route show default | grep -q other0");
  run("ip route show 10.8.0.0/16 | grep -q test0");
  run("ip route del blackhole 10.9.0.0/16");
}

TEST_CASE("a refused route is named") {
  Netlink netlink = open_netlink();
  run("ip link add name down0 type veth peer name down1");
  const Link down = must(netlink.link("down0")).value();
  const std::array routes{prefix("10.1.0.0/16"), prefix("10.2.0.0/16")};
  const auto error = netlink.add_routes(down, routes);
  REQUIRE_FALSE(error.has_value());
  CHECK(error.error().number == ENETDOWN);
  CHECK(error.error().what.find("add the route 10.1.0.0/16 via down0") == 0);
  must(netlink.delete_link(down));
}

TEST_CASE("thousands of routes are added, again, and the one of another link is found among them") {
  Netlink netlink = open_netlink();
  const TestLink test(netlink, "test0");
  const TestLink other(netlink, "other0");
  run("ip route add 10.0.7.5/32 dev other0");
  std::vector<Prefix> routes;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    std::array<std::uint8_t, 4> bytes{};
    store_be(bytes.data(), 0x0a000000U + i);
    routes.push_back({IpAddress::v4(bytes), 32});
  }
  for (int times = 0; times < 2; ++times) {
    const auto conflicts = must(netlink.add_routes(test.get(), routes));
    REQUIRE(conflicts.size() == 1);
    CHECK(conflicts.front().route == prefix("10.0.7.5/32"));
  }
  run("test $(ip route show dev test0 | wc -l) = 4999");
}

TEST_CASE("the MTU of the route to an endpoint") {
  Netlink netlink = open_netlink();
  const TestLink test(netlink, "test0");
  must(netlink.add_address(test.get(), prefix("192.0.2.1/24")));
  must(netlink.add_address(test.get(), prefix("2001:db8::1/64")));
  must(netlink.change_link(test.get(), {.mtu = 1400}));
  run("ip route add 198.51.100.0/24 dev test0 mtu 1312 && ip -6 route add 2001:db8:9::/48 dev test0 mtu 1290");

  CHECK(must(netlink.route_mtu(endpoint("192.0.2.7:51820"))) == 1400);
  CHECK(must(netlink.route_mtu(endpoint("[2001:db8::7]:51820"))) == 1400);
  CHECK(must(netlink.route_mtu(endpoint("198.51.100.7:51820"))) == 1312);
  CHECK(must(netlink.route_mtu(endpoint("[2001:db8:9::1]:51820"))) == 1290);
  Endpoint link_local = endpoint("[fe80::1%1]:51820");
  link_local.scope = test.get().index;
  CHECK(must(netlink.route_mtu(link_local)) == 1400);

  for (const char* nowhere : {"203.0.113.1:1", "[2001:db8:ffff::1]:1"}) {
    CAPTURE(nowhere);
    const auto error = netlink.route_mtu(endpoint(nowhere));
    REQUIRE_FALSE(error.has_value());
    CHECK(error.error().number == ENETUNREACH);
  }
}

}  // namespace
}  // namespace wg4
