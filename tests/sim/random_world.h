#pragma once
// A world made from a seed: two to five hosts, their traffic, all faults of a network, suspended machines, clocks that
// are set, roaming, changes of configurations, and an attacker who forges datagrams. It is checked against a model that
// is far simpler than the core: which hosts are peers, which peer owns which prefix, which packets were sent.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/net/ip_address.h"
#include "tests/support/naive_allowed_ips.h"
#include "tests/support/packets.h"
#include "tests/support/seeded_entropy.h"
#include "tests/support/sim_net.h"
#include "tests/support/sim_world.h"
#include "wg4netns/core/peer_id.h"
#include "wg4netns/core/time.h"

namespace wg4::test {

class RandomWorld {
 public:
  explicit RandomWorld(std::uint64_t seed);

  /// The first rule that was broken; empty if there was none.
  [[nodiscard]] std::string run();

 private:
  struct Machine {
    SimHost* host = nullptr;
    std::set<std::size_t> peers;    // by number of the machine
    NaiveAllowedIps allowed;        // PeerId = number of the machine
    std::vector<std::uint8_t> psk;  // by number of the machine; the key's fill byte, 0 = none
    bool cut_off = false;
    unsigned moves = 0;
    Duration wall_furthest_ahead{};
  };
  struct Sent {
    std::size_t sender = 0;
    PeerId receiver = no_peer;  // by the sender's prefixes, at the time when it was sent
    Bytes packet;
    bool delivered = false;
  };

  // what happens
  void act();
  void send_packets(std::size_t from);
  void change_faults();
  void move(std::size_t who);
  void set_clock(std::size_t who);
  void reconfigure(std::size_t who);
  void add_peer(std::size_t who, std::size_t other);
  void remove_peer(std::size_t who, std::size_t other);
  void set_psk(std::size_t who, std::size_t other, std::uint8_t fill);
  void move_prefix(std::size_t who, std::size_t other);
  void replace_key(std::size_t who);
  void use_up_counters(std::size_t who);
  void attack();

  // what must hold
  void delivered(std::size_t at, ByteView packet);
  void check_all();
  void check_recovery(std::size_t one, std::size_t other);
  void check_patience(std::size_t one, std::size_t other);
  void heal(std::size_t one, std::size_t other);
  void send_probe(std::size_t from, std::size_t to);
  void wait_for_both(std::size_t one, std::size_t other, bool send_more);
  void broken(const std::string& rule);

  [[nodiscard]] bool one_in(std::uint32_t times) { return chance_.below(times) == 0; }
  [[nodiscard]] std::size_t any_machine() { return chance_.below(static_cast<std::uint32_t>(machines_.size())); }
  [[nodiscard]] std::size_t any_other(std::size_t than);
  [[nodiscard]] Duration up_to(Duration span);
  [[nodiscard]] IpAddress any_address();

  SeededEntropy chance_;
  SimWorld world_;
  std::vector<Machine> machines_;
  std::vector<Sent> sent_;
  std::deque<Datagram> overheard_;  // the latest on the wire
  std::string broken_;
};

}  // namespace wg4::test
