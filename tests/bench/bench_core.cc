// What the core costs when there are many: time to configure peers and their allowed IPs, memory for each, look-ups,
// and handshakes a second.
//
//   bench_core [--peers N]    default 100000, each with ten allowed IPs

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include "shared/base/bytes.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"
#include "tests/support/packets.h"
#include "tests/support/seeded_entropy.h"
#include "tests/support/sim_world.h"
#include "wg4netns/core/allowed_ips.h"
#include "wg4netns/core/control.h"
#include "wg4netns/core/device.h"

namespace wg4::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t addresses_per_peer = 10;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Bytes of memory in use.
double resident() {
  std::ifstream statm("/proc/self/statm");
  double size = 0;
  double pages = 0;
  statm >> size >> pages;
  return pages * 4096;
}

IpAddress address(std::uint32_t number) {
  std::array<std::uint8_t, 4> bytes;
  store_be(bytes.data(), 0x0a000000U + number * 16);  // spread, as subnets are
  return IpAddress::v4(bytes);
}

DeviceChange many_peers(std::uint32_t count, test::SeededEntropy& entropy) {
  DeviceChange change;
  change.peers.resize(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    PeerChange& peer = change.peers[i];
    entropy.fill(peer.public_key);
    peer.endpoint = Endpoint{address(i), 51820, 0};
    for (std::uint32_t j = 0; j < addresses_per_peer; ++j)
      peer.allowed_ips.push_back({Prefix(address(i * addresses_per_peer + j), 28), false});
  }
  return change;
}

void configure(std::uint32_t count) {
  test::SeededEntropy entropy(1);
  test::SimWorld world;
  test::SimHost& host = world.add_host();
  DeviceChange change = many_peers(count, entropy);
  const double before = resident();
  const auto start = Clock::now();
  host.configure(change);
  const double took = seconds_since(start);
  fmt::print("{:>8} peers, {:>8} allowed IPs: {:6.2f} s, {:5.0f} bytes a peer\n", count, count * addresses_per_peer,
             took, (resident() - before) / count);
}

void look_up(std::uint32_t prefixes) {
  AllowedIps allowed;
  for (std::uint32_t i = 0; i < prefixes; ++i) allowed.insert(Prefix(address(i), 28), i / addresses_per_peer);
  constexpr std::uint32_t rounds = 2'000'000;
  std::uint64_t sum = 0;
  std::uint32_t at = 1;
  const auto start = Clock::now();
  for (std::uint32_t i = 0; i < rounds; ++i) {
    at = at * 1664525U + 1013904223U;
    sum += allowed.find_v4(address(at % prefixes).bytes().data());
  }
  fmt::print("{:>8} allowed IPs: {:6.1f} ns a look-up ({})\n", prefixes, seconds_since(start) / rounds * 1e9, sum % 10);
}

/// Each of many hosts shakes hands with one: what both sides spend, with all that a Device does around the curve.
void shake_hands(std::uint32_t count) {
  test::SimWorld world;
  test::SimHost& server = world.add_host();
  for (std::uint32_t i = 0; i < count; ++i) test::SimWorld::connect(world.add_host(), server);
  const auto start = Clock::now();
  for (std::uint32_t i = 1; i <= count; ++i) {
    world.host(i).send_to(server, test::Bytes{1});
    world.run_for(std::chrono::milliseconds(200));
  }
  const double took = seconds_since(start);
  fmt::print("{} handshakes: {:.0f} us each, both sides together; {:.0f} a second for one side alone\n", count,
             took / count * 1e6, 2 * count / took);
}

}  // namespace
}  // namespace wg4::bench

int main(int argc, char** argv) {
  const bool has_count = argc == 3 && std::string_view(argv[1]) == "--peers";
  const auto peers = static_cast<std::uint32_t>(has_count ? std::atoi(argv[2]) : 100'000);
  if ((argc != 1 && !has_count) || peers < 1) {
    std::fputs("usage: bench_core [--peers N]\n", stderr);
    return 1;
  }
  for (const std::uint32_t share : {100U, 10U, 1U}) wg4::bench::configure(std::max(peers / share, 1U));
  for (const std::uint32_t share : {1000U, 100U, 10U, 1U}) wg4::bench::look_up(std::max(peers * 10 / share, 1U));
  wg4::bench::shake_hands(std::min(peers, 200U));
  return 0;
}
