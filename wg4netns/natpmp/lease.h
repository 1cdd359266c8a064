#pragma once
// A port at a NAT-PMP gateway, the same one for UDP and TCP: asked for, renewed, lost and found again. Pure: time is a
// parameter.
//
//   ask for UDP ── answer ──► ask for TCP, the same port ── answer ──► held ── 45 s ──► ask for UDP ...
//      │ no answer: again after 250 ms, 500 ms, ... (RFC 6886, 3.1); after the ninth time, 128 s in all, it has failed
//
// A port that was held is lost when its lifetime is over and no answer has renewed it. Requests go on all the same.

#include <chrono>
#include <cstdint>
#include <optional>

#include "shared/base/bytes.h"
#include "shared/net/protocol.h"
#include "wg4netns/natpmp/messages.h"

namespace wg4::natpmp {

/// Why there is no port.
enum class Fault : std::uint8_t {
  none,
  silence,          ///< nobody answers
  closed,           ///< the gateway's port is closed: it has no such service
  wrong_version,    ///< the gateway speaks another protocol
  refused,          ///< it does not give this client a port
  failed,           ///< it cannot at the moment
  different_ports,  ///< one for UDP and another for TCP
};

class Lease {
 public:
  using Time = std::chrono::nanoseconds;

  static constexpr std::uint32_t lifetime = 60;  // seconds, that are asked for
  static constexpr Time renewal = std::chrono::seconds(45);
  static constexpr Time first_patience = std::chrono::milliseconds(250);
  static constexpr unsigned tries = 9;

  /// Time has passed: what is to be sent now, if anything is.
  [[nodiscard]] std::optional<Request> advance(Time now);
  /// When advance() is to be called next.
  [[nodiscard]] Time deadline() const;

  void receive(ByteView bytes, Time now);
  /// To be called when the gateway answers by ICMP that its port is closed.
  void closed(Time now);

  /// The port that is held; 0 = none.
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Of the latest try to get one; none while it is under way.
  [[nodiscard]] Fault fault() const { return fault_; }
  [[nodiscard]] unsigned unanswered() const { return unanswered_; }

 private:
  void ask_anew(Protocol protocol, Time at);
  void fail(Fault fault, Time now);
  void hold(std::uint16_t port, std::uint32_t seconds, Time now);

  Protocol asked_ = Protocol::udp;
  Time next_{};                // when to send
  unsigned unanswered_ = 0;    // requests in a row
  std::uint16_t offered_ = 0;  // for UDP
  std::uint16_t port_ = 0;
  Time until_{};  // end of the port's lifetime
  Fault fault_ = Fault::none;
};

}  // namespace wg4::natpmp
