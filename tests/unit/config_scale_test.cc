// Big files. Quadratic work takes sixteen times as long for four times the size; the speed of the machine does not
// matter.

#include <algorithm>
#include <ctime>
#include <limits>
#include <string>

#include "shared/config/make_link_plan.h"
#include "shared/config/wg_config.h"
#include "shared/net/prefix.h"
#include "tests/unit/config_support.h"

using namespace wg4;
using namespace wg4::config_test;

namespace {

constexpr unsigned many = 100'000;

std::string nth_prefix(unsigned n) {
  return "10." + std::to_string(n >> 16) + "." + std::to_string(n >> 8 & 255) + "." + std::to_string(n & 255) + "/32";
}

/// The least CPU time of `work(size)`: other programs on the machine only add to it.
template <class Work>
double seconds_of(const Work& work, unsigned size) {
  double best = std::numeric_limits<double>::max();
  for (int i = 0; i < 3; ++i) {
    const std::clock_t start = std::clock();
    work(size);
    best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  }
  return best;
}

/// `work(size)` takes time about in proportion to `size`.
template <class Work>
void check_growth(unsigned size, const Work& work) {
  constexpr double clock_steps = 0.01;  // CPU clocks may be as coarse as that
  CHECK_LT(seconds_of(work, size), 10 * seconds_of(work, size / 4) + clock_steps);
}

void check_plan_of(const std::string& text, unsigned prefixes) {
  const WgConfig config = accepted(text);
  REQUIRE_EQ(config.peers.size(), 1);
  CHECK_EQ(config.peers[0].allowed_ips.size(), prefixes);
  CHECK_EQ(config.peers[0].allowed_ips.back(), Prefix::parse(nth_prefix(prefixes - 1)));
  CHECK_EQ(make_link_plan(config, 1420).routes.size(), prefixes);
}

}  // namespace

TEST_CASE("100,000 AllowedIPs lines") {
  check_growth(many, [](unsigned size) {
    std::string text = peer_with("");
    for (unsigned i = 0; i < size; ++i) text += "AllowedIPs = " + nth_prefix(i) + "\n";
    check_plan_of(text, size);
  });
}

TEST_CASE("100,000 AllowedIPs on one line") {
  check_growth(many, [](unsigned size) {
    std::string text = peer_with("") + "AllowedIPs = " + nth_prefix(0);
    for (unsigned i = 1; i < size; ++i) text += ", " + nth_prefix(i);
    check_plan_of(text, size);
  });
}

TEST_CASE("100,000 entries, each removed again") {
  check_growth(many, [](unsigned size) {
    std::string text = peer_with("");
    for (unsigned i = 0; i < size; ++i)
      text += "AllowedIPs = " + nth_prefix(i) + "\nAllowedIPs = -" + nth_prefix(i) + "\n";
    CHECK(accepted(text).peers.at(0).allowed_ips.empty());
  });
}

TEST_CASE("20,000 sections of two peers that take the same prefix from each other") {
  check_growth(20'000, [](unsigned size) {
    std::string text;
    for (unsigned i = 0; i < size; ++i)
      text += "[Peer]\nPublicKey=" + (i % 2 == 0 ? key_a : key_b) + "\nAllowedIPs = +10.0.0.1\n";
    const WgConfig config = accepted(text);
    CHECK_EQ(allowed_ips(config, 0), "");
    CHECK_EQ(allowed_ips(config, 1), "10.0.0.1/32");
  });
}

TEST_CASE("50,000 addresses under 100,000 routes") {
  check_growth(many, [](unsigned size) {
    WgConfig config;
    PeerConfig& peer = config.peers.emplace_back();
    for (unsigned i = 0; i < size; ++i) {
      peer.allowed_ips.push_back(*Prefix::parse(nth_prefix(i)));
      if (i % 2 == 0) config.addresses.push_back({Prefix::parse(nth_prefix(i))->address, 31});
    }
    CHECK(make_link_plan(config, 1420).routes.empty());
  });
}

TEST_CASE("a line of megabytes") {
  check_growth(2'000'000, [](unsigned size) {
    CHECK(has(refused("[Interface]\nPrivateKey = " + std::string(size, 'A')),
              "line 2: PrivateKey: its value is not a key"));
    CHECK(has(refused("[Interface]\nAddress = " + std::string(size, '1')), "line 2: Address: its value is not"));
    accepted(std::string(size, '\n') + "#" + std::string(size, ' '));
  });
}
