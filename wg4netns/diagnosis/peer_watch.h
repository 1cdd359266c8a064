#pragma once
// Watches the events of peers, and logs why one does not answer: a line when that becomes known or changes, and one
// when it is over, within a limit for each kind of line. finding.h says how a finding is drawn.

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
  /// `configured`: modification time of the configuration file. `port`: our listening port.
  PeerWatch(std::optional<WallTime> configured, std::uint16_t port) : configured_(configured), port_(port) {}

  /// Handles an event of the device.
  void consider(const Device& device, const Event& event, Now now);
  /// The network, or this host, has reported that a datagram did not arrive.
  void failed(const SendFailure& failure, Now now);
  /// Has the sockets report ICMP errors as long as some peer does not answer.
  void listen(const UdpSocket& udp, Now now);

  /// The finding for a peer as a sentence, as in the log; empty when nothing is wrong.
  [[nodiscard]] std::string of(const Peer& peer) const;
  /// The same as a value.
  [[nodiscard]] Finding finding(const Peer& peer) const;

  /// All current evidence about this peer.
  [[nodiscard]] Evidence evidence(const Device& device, const Peer& peer, Now now) const;

 private:
  struct Known {
    PublicKey key{};  // by now the id may be another peer's
    Finding finding = Finding::none;
    std::string text;
  };
  struct Failure {
    SendFailure what;
    Instant at;
  };
  static constexpr std::size_t max_failures = 256;  // endpoints whose failure is kept
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
