#pragma once
// Joins the core to its two edges: TUN <-> Device <-> UDP. Owns the buffers between them, and no decision.

#include <array>
#include <cstdint>
#include <vector>

#include "wg4netns/core/device.h"
#include "wg4netns/io/tun_device.h"
#include "wg4netns/io/udp_socket.h"

namespace wg4 {

class Tunnel final : public Output {
 public:
  Tunnel(Device& device, TunDevice tun, UdpSocket udp) : device_(device), tun_(std::move(tun)), udp_(std::move(udp)) {}

  [[nodiscard]] int tun_fd() const { return tun_.fd(); }
  [[nodiscard]] const UdpSocket& udp() const { return udp_; }
  /// UDP takes no more for now: the TUN is to be left alone, so that the namespace's own queues push back.
  [[nodiscard]] bool backlogged() const { return udp_.backlogged(); }

  /// TUN -> UDP, a bounded number of packets. False when the device is gone.
  [[nodiscard]] bool pump_outbound(Now now);
  /// UDP -> TUN, a bounded number of datagrams.
  void pump_inbound(Family family, Now now);
  /// Ends a turn: what was sealed goes out.
  void flush();

  /// Events of the core since the last call.
  [[nodiscard]] std::vector<Event> take_events() { return std::exchange(events_, {}); }

  // Output
  ByteSpan send_room(std::size_t bytes) override { return udp_.room(bytes); }
  void send(const SendRun& run) override { udp_.push(run); }
  void deliver(std::span<const ByteView> packets) override;
  void event(const Event& event) override { events_.push_back(event); }

  struct Counters {
    std::uint64_t undelivered = 0;  ///< inner packets that the TUN refused
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  Device& device_;
  TunDevice tun_;
  UdpSocket udp_;
  std::vector<Event> events_;
  Counters counters_;
  std::array<std::uint8_t, 65536> packet_;
};

}  // namespace wg4
