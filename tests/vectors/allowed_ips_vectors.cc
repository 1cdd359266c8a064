// AllowedIps by a table of the cases that matter (nested, neighbouring, unmasked, replaced, moved, at every depth), and
// by a million random operations against a simple model.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"
#include "tests/support/naive_allowed_ips.h"
#include "tests/support/seeded_entropy.h"
#include "wg4netns/core/allowed_ips.h"
#include "wg4netns/core/peer_id.h"

namespace wg4 {
namespace {

enum : PeerId { ann, bob, cat, dan, eve, fay, gus, hal, peer_count };

Prefix prefix(std::string_view text) {
  const auto parsed = Prefix::parse(text);
  REQUIRE(parsed);
  return *parsed;
}

PeerId owner(const AllowedIps& table, std::string_view address) {
  const auto parsed = IpAddress::parse(address);
  REQUIRE(parsed);
  return table.find(*parsed).value_or(no_peer);
}

struct Row {
  std::string_view text;
  PeerId peer;
};

void insert(AllowedIps& table, std::initializer_list<Row> rows) {
  for (const Row& row : rows) table.insert(prefix(row.text), row.peer);
}

void check_owners(const AllowedIps& table, std::initializer_list<Row> rows) {
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(owner(table, row.text) == row.peer);
  }
}

TEST_CASE("The longest prefix decides, in both families") {
  AllowedIps table;
  insert(table, {{"172.20.8.0/24", ann},
                 {"172.20.8.9/32", bob},
                 {"172.20.0.0/16", cat},
                 {"198.51.7.96/27", dan},
                 {"198.51.7.97/27", cat},  // the same network, written with host bits: it moves
                 {"2001:db8:60:b00::c05f:543/128", dan},
                 {"2001:db8:60:b00::/64", cat},
                 {"0.0.0.0/0", eve},
                 {"::/0", eve},
                 {"::/0", fay},  // moves
                 {"2a00:6800::/32", gus},
                 {"2a00:6800:4004:800:dead:beef:dead:beef/64", hal},
                 {"2a00:6800:4004:800:dead:beef:dead:beef/128", ann},
                 {"2a44:6800:40e4:800:deae:beef:def:beef/128", cat},
                 {"2a44:6800:f0e4:800:eeae:beef::/98", bob},
                 {"64.15.112.0/20", gus},
                 {"64.15.123.211/25", hal},
                 {"10.0.0.0/25", ann},
                 {"10.0.0.128/25", bob},
                 {"10.1.0.0/30", ann},
                 {"10.1.0.4/30", bob},
                 {"10.1.0.8/29", cat},
                 {"10.1.0.16/29", dan}});
  CHECK(table.size() == 21);
  check_owners(table, {{"172.20.8.20", ann},     {"172.20.8.0", ann},   {"172.20.8.9", bob},    {"172.20.200.182", cat},
                       {"198.51.7.100", cat},    {"198.51.7.128", eve}, {"198.51.7.95", eve},   {"64.15.116.26", gus},
                       {"64.15.127.3", gus},     {"64.15.123.1", gus},  {"64.15.123.128", hal}, {"64.15.123.129", hal},
                       {"64.15.128.0", eve},     {"10.0.0.52", ann},    {"10.0.0.220", bob},    {"10.1.0.2", ann},
                       {"10.1.0.6", bob},        {"10.1.0.10", cat},    {"10.1.0.20", dan},     {"10.1.0.24", eve},
                       {"255.255.255.255", eve}, {"0.0.0.0", eve}});
  check_owners(table, {{"2001:db8:60:b00::c05f:543", dan},
                       {"2001:db8:60:b00::c02e:1ee", cat},
                       {"2001:db8:60:b01::", fay},
                       {"2a00:6800:4004:806::1006", gus},
                       {"2a00:6800:4004:806:0:1234:0:5678", gus},
                       {"2a00:67ff:4004:806:0:1234:0:5678", fay},
                       {"2a00:6801:4004:806:0:1234:0:5678", fay},
                       {"2a00:6800:4004:800:0:1234:0:5678", hal},
                       {"2a00:6800:4004:800::", hal},
                       {"2a00:6800:4004:800:1010:1010:1010:1010", hal},
                       {"2a00:6800:4004:800:dead:beef:dead:beef", ann},
                       {"2a44:6800:f0e4:800:eeae:beef:3fff:ffff", bob},
                       {"2a44:6800:f0e4:800:eeae:beef:4000:0", fay}});
}

TEST_CASE("A peer that is removed owns nothing, and what it covered falls to the next longer prefix") {
  AllowedIps table;
  insert(table, {{"1.0.0.0/32", ann}, {"64.0.0.0/32", ann}, {"128.0.0.0/32", ann}, {"192.0.0.0/32", ann}});
  insert(table, {{"255.0.0.0/32", ann}, {"192.0.0.0/8", bob}, {"192.168.0.0/16", ann}, {"192.168.0.0/24", ann}});
  table.remove_all(ann);
  check_owners(table, {{"1.0.0.0", no_peer}, {"64.0.0.0", no_peer}, {"128.0.0.0", no_peer}, {"255.0.0.0", no_peer}});
  check_owners(table, {{"192.0.0.0", bob}, {"192.168.0.1", bob}});
  CHECK(table.entries(ann).empty());
  CHECK(table.size() == 1);
  table.remove_all(bob);
  CHECK(owner(table, "192.0.0.0") == no_peer);
  CHECK(table.size() == 0);
}

TEST_CASE("Branches at every depth: 128 hosts, each of which differs from all ones in another bit") {
  AllowedIps table;
  std::vector<Prefix> hosts;
  for (unsigned bit = 0; bit < 128; ++bit) {
    std::array<std::uint8_t, 16> bytes;
    bytes.fill(0xff);
    bytes[bit / 8] = static_cast<std::uint8_t>(~(1U << (bit % 8)));
    hosts.push_back({IpAddress::v6(bytes), 128});
    table.insert(hosts.back(), bit);
  }
  for (unsigned bit = 0; bit < 128; ++bit) CHECK(table.find(hosts[bit].address) == bit);
  for (unsigned bit = 0; bit < 128; bit += 2) CHECK(table.remove(hosts[bit], bit));
  for (unsigned bit = 0; bit < 128; ++bit) CHECK(table.find(hosts[bit].address).has_value() == (bit % 2 == 1));
}

TEST_CASE("A chain of every length over one address") {
  AllowedIps table;
  const auto address = *IpAddress::parse("2001:db8:aaaa:5555:aaaa:5555:aaaa:5555");
  for (unsigned length = 0; length <= 128; ++length) table.insert({address, static_cast<std::uint8_t>(length)}, length);
  for (unsigned length = 128; length > 0; --length) {
    CHECK(table.find(address) == length);
    CHECK(table.remove({address, static_cast<std::uint8_t>(length)}, length));
  }
  CHECK(table.find(address) == 0U);
}

TEST_CASE("Only the owner removes, and only the very prefix") {
  AllowedIps table;
  insert(table, {{"10.0.0.0/8", ann}, {"10.1.0.0/16", ann}, {"10.2.0.0/16", ann}});
  CHECK_FALSE(table.remove(prefix("10.1.0.0/16"), bob));
  CHECK_FALSE(table.remove(prefix("10.0.0.0/9"), ann));
  CHECK_FALSE(table.remove(prefix("10.1.0.0/17"), ann));
  CHECK_FALSE(table.remove(prefix("10.0.0.0/14"), ann));  // where the two networks part, which nobody owns
  CHECK_FALSE(table.remove(prefix("0.0.0.0/0"), ann));
  CHECK_FALSE(table.remove(prefix("::/0"), ann));
  CHECK(table.size() == 3);
  CHECK(table.remove(prefix("10.1.2.3/16"), ann));  // host bits do not matter
  CHECK_FALSE(table.remove(prefix("10.1.0.0/16"), ann));
  CHECK(owner(table, "10.1.0.1") == ann);
  table.insert(prefix("10.0.0.0/8"), bob);
  CHECK_FALSE(table.remove(prefix("10.0.0.0/8"), ann));
  CHECK(owner(table, "10.1.0.1") == bob);
  CHECK(owner(table, "10.2.0.1") == ann);
}

TEST_CASE("A peer's entries are masked, in the order of insertion, IPv4 first") {
  AllowedIps table;
  insert(table, {{"2001:db8:6d8a:6bf8:dab1:f1df:c05f:1523/83", ann},
                 {"192.95.5.93/27", ann},
                 {"10.9.9.9/32", bob},
                 {"2001:db8:60:b00::c05f:543/128", ann},
                 {"10.1.0.20/29", ann},
                 {"172.16.0.0/12", ann},
                 {"2001:db8:6d8a:6bf8:dab1:f1df:c05f:1523/21", ann}});
  table.insert(prefix("172.16.0.0/12"), bob);
  const std::vector<Prefix> expected = {prefix("192.95.5.64/27"), prefix("10.1.0.16/29"),
                                        prefix("2001:db8:6d8a:6bf8:dab1:e000::/83"),
                                        prefix("2001:db8:60:b00::c05f:543/128"), prefix("2001:800::/21")};
  CHECK(table.entries(ann) == expected);
  CHECK(table.entries(bob) == std::vector<Prefix>{prefix("10.9.9.9/32"), prefix("172.16.0.0/12")});
  CHECK(table.entries(cat).empty());
}

TEST_CASE("Nodes that are full: every prefix of 0 to 8 bits, added and removed in a scattered order") {
  AllowedIps table;
  test::NaiveAllowedIps model;
  const auto nth = [](unsigned number) {  // numbered as in a heap, from 1
    const auto length = static_cast<std::uint8_t>(std::bit_width(number) - 1);
    std::array<std::uint8_t, 4> bytes{static_cast<std::uint8_t>(number << (8 - length)), 0, 0, 0};
    return Prefix{IpAddress::v4(bytes), length};
  };
  const auto agree = [&] {
    for (unsigned first = 0; first < 256; ++first) {
      const IpAddress address = IpAddress::v4({{static_cast<std::uint8_t>(first), 1, 2, 3}});
      if (table.find(address).value_or(no_peer) != model.find(address)) return false;
    }
    return table.size() == model.size();
  };
  constexpr unsigned end = 512;  // of the numbers; the factors below have nothing in common with it
  for (unsigned i = 1; i < end; ++i) {
    const unsigned number = i * 333 % end;
    table.insert(nth(number), number);
    model.insert(nth(number), number);
    REQUIRE(agree());
  }
  CHECK(table.node_count() == 2 + 16);  // one per digit, and the other family's root
  for (unsigned i = 1; i < end; ++i) {
    const unsigned number = i * 77 % end;
    REQUIRE(table.remove(nth(number), number));
    REQUIRE(model.remove(nth(number), number));
    REQUIRE(agree());
  }
  CHECK(table.node_count() == 2);
}

// ---------------------------------------------------------------- against the model

class Duel {
 public:
  explicit Duel(std::uint64_t seed) : chance_(seed) {}

  /// False when the two disagree.
  [[nodiscard]] bool step() {
    const std::uint32_t roll = chance_.below(10'000);
    const Prefix prefix = random_prefix();
    const PeerId peer = chance_.below(peers);
    bool agree = true;
    if (roll < 4'000) {
      table_.insert(prefix, peer);
      model_.insert(prefix, peer);
    } else if (roll < 6'500) {
      agree = table_.remove(prefix, peer) == model_.remove(prefix, peer);
    } else if (roll < 9'995) {
      agree = table_.find(prefix.address).value_or(no_peer) == model_.find(prefix.address);
    } else {
      agree = remove_all(peer);
    }
    return agree && table_.size() == model_.size() && table_.node_count() <= 2 * table_.size() + 2;
  }

  [[nodiscard]] bool empty() {
    for (PeerId peer = 0; peer < peers; ++peer) {
      if (!remove_all(peer)) return false;
      for (int i = 0; i < 100; ++i) {
        const IpAddress address = random_prefix().address;
        if (table_.find(address).value_or(no_peer) != model_.find(address)) return false;
      }
    }
    return table_.size() == 0 && table_.node_count() == 2;
  }

 private:
  static constexpr PeerId peers = 60;

  [[nodiscard]] bool remove_all(PeerId peer) {
    std::vector<Prefix> entries = table_.entries(peer);
    std::ranges::sort(entries);
    const bool agree = entries == model_.entries(peer);
    table_.remove_all(peer);
    model_.remove_all(peer);
    return agree;
  }

  /// Few free bits, spread over the address, so that prefixes nest, meet and collide.
  Prefix random_prefix() {
    const std::uint32_t random = chance_.u32();
    if ((random & 1) != 0) {
      std::array<std::uint8_t, 4> bytes{};
      for (std::size_t i = 0; i < 4; ++i) bytes[i] = static_cast<std::uint8_t>((random >> (8 * i)) & 0x93);
      return {IpAddress::v4(bytes), static_cast<std::uint8_t>(chance_.below(33))};
    }
    static constexpr std::array<std::uint8_t, 12> lengths = {0, 1, 7, 31, 32, 63, 64, 65, 96, 113, 127, 128};
    std::array<std::uint8_t, 16> bytes{};
    for (std::size_t i = 0; i < 16; ++i) bytes[i] = static_cast<std::uint8_t>((random >> (2 * i)) & 0x81);
    return {IpAddress::v6(bytes), lengths[chance_.below(lengths.size())]};
  }

  test::SeededEntropy chance_;
  AllowedIps table_;
  test::NaiveAllowedIps model_;
};

TEST_CASE("A million random operations agree with the model") {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    CAPTURE(seed);
    Duel duel(seed);
    for (int operation = 0; operation < 250'000; ++operation) {
      if (!duel.step()) FAIL("seed " << seed << ", operation " << operation);
    }
    CHECK(duel.empty());
  }
}

}  // namespace
}  // namespace wg4
