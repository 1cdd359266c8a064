#pragma once
// Watches what happens to peers, and says why one does not answer: a line when that becomes known or changes, and one
// when it is over, as long as there are not too many of a kind. What a finding follows from is in diagnosis.h.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "shared/base/keys.h"
#include "shared/sys/log.h"
#include "wg4netns/core/device.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/peer.h"
#include "wg4netns/core/peer_id.h"
#include "wg4netns/core/time.h"
#include "wg4netns/diagnosis/finding.h"
#include "wg4netns/diagnosis/log_budget.h"
#include "wg4netns/io/send_failure.h"
#include "wg4netns/io/udp_socket.h"

namespace wg4 {

/// "peer KEY (ENDPOINT)", for messages.
[[nodiscard]] std::string describe(const Peer& peer);

class PeerWatch {
 public:
  /// `configured`: when the configuration was written. `port`: where we listen.
  PeerWatch(std::optional<WallTime> configured, std::uint16_t port) : configured_(configured), port_(port) {}

  /// Follows an event of the device.
  void consider(const Device& device, const Event& event, Now now);
  /// The network, or this host, says that a datagram did not arrive.
  void failed(const SendFailure& failure, Now now);
  /// Has the sockets tell of ICMP errors as long as anybody does not answer.
  void listen(const UdpSocket& udp, Now now);

  /// What is known of a peer, as its line in the log has it; empty when nothing is wrong.
  [[nodiscard]] std::string of(const Peer& peer) const;
  /// The same in one word.
  [[nodiscard]] Finding finding(const Peer& peer) const;

  /// All that may tell something of this peer now.
  [[nodiscard]] Evidence evidence(const Device& device, const Peer& peer, Now now) const;

 private:
  struct Known {
    PublicKey key{};  // the id may be another peer's by now
    Finding finding = Finding::none;
    std::string text;
  };
  struct Failure {
    SendFailure what;
    Instant at;
  };
  static constexpr std::size_t max_failures = 256;  // endpoints of which a failure is kept
  static constexpr std::size_t findings = static_cast<std::size_t>(Finding::no_data) + 1;

  void say(log::Level level, Finding finding, std::string line, Now now);
  [[nodiscard]] const Known* known(const Peer& peer) const;
  void forget_failures(Instant now);

  std::optional<WallTime> configured_;
  std::uint16_t port_;
  std::unordered_map<PeerId, Known> known_;
  std::vector<Failure> failures_;
  std::array<LogBudget, findings> budgets_;
  Instant listen_until_{};
  bool listening_ = false;
};

}  // namespace wg4
