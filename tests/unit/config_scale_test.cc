// Big files. The bounds are loose: what takes quadratic time misses them by a factor of hundreds, a slow machine does
// not.

#include <ctime>

#include "shared/config/link_plan.h"
#include "tests/unit/config_support.h"

using namespace wg4;
using namespace wg4::config_test;

namespace {

constexpr unsigned many = 100'000;

std::string nth_prefix(unsigned n) {
  return "10." + std::to_string(n >> 16) + "." + std::to_string(n >> 8 & 255) + "." + std::to_string(n & 255) + "/32";
}

template <class Work>
void within_cpu_seconds(double limit, Work work) {
  const std::clock_t start = std::clock();
  work();
  CHECK_LT(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC, limit);
}

void check_plan_of(const std::string& text) {
  within_cpu_seconds(10, [&] {
    const WgConfig config = accepted(text);
    REQUIRE_EQ(config.peers.size(), 1);
    CHECK_EQ(config.peers[0].allowed_ips.size(), many);
    CHECK_EQ(config.peers[0].allowed_ips.back(), Prefix::parse(nth_prefix(many - 1)));
    CHECK_EQ(make_link_plan(config, 1420).routes.size(), many);
  });
}

}  // namespace

TEST_CASE("100,000 AllowedIPs lines") {
  std::string text = peer_with("");
  for (unsigned i = 0; i < many; ++i) text += "AllowedIPs = " + nth_prefix(i) + "\n";
  check_plan_of(text);
}

TEST_CASE("100,000 AllowedIPs on one line") {
  std::string text = peer_with("") + "AllowedIPs = " + nth_prefix(0);
  for (unsigned i = 1; i < many; ++i) text += ", " + nth_prefix(i);
  check_plan_of(text);
}

TEST_CASE("100,000 entries, each taken away again") {
  std::string text = peer_with("");
  for (unsigned i = 0; i < many; ++i)
    text += "AllowedIPs = " + nth_prefix(i) + "\nAllowedIPs = -" + nth_prefix(i) + "\n";
  within_cpu_seconds(10, [&] { CHECK(accepted(text).peers.at(0).allowed_ips.empty()); });
}

TEST_CASE("20,000 sections of two peers that take the same prefix from each other") {
  std::string text;
  for (unsigned i = 0; i < 20'000; ++i)
    text += "[Peer]\nPublicKey=" + (i % 2 == 0 ? key_a : key_b) + "\nAllowedIPs = +10.0.0.1\n";
  within_cpu_seconds(10, [&] {
    const WgConfig config = accepted(text);
    CHECK_EQ(allowed_ips(config, 0), "");
    CHECK_EQ(allowed_ips(config, 1), "10.0.0.1/32");
  });
}

TEST_CASE("50,000 addresses under 100,000 routes") {
  WgConfig config;
  PeerConfig& peer = config.peers.emplace_back();
  for (unsigned i = 0; i < many; ++i) {
    peer.allowed_ips.push_back(*Prefix::parse(nth_prefix(i)));
    if (i % 2 == 0) config.addresses.push_back({Prefix::parse(nth_prefix(i))->address, 31});
  }
  within_cpu_seconds(10, [&] { CHECK(make_link_plan(config, 1420).routes.empty()); });
}

TEST_CASE("a line of megabytes") {
  within_cpu_seconds(10, [&] {
    CHECK(has(refused("[Interface]\nPrivateKey = " + std::string(2'000'000, 'A')),
              "line 2: PrivateKey: its value is not a key"));
    CHECK(has(refused("[Interface]\nAddress = " + std::string(2'000'000, '1')), "line 2: Address: its value is not"));
    accepted(std::string(2'000'000, '\n') + "#" + std::string(2'000'000, ' '));
  });
}
