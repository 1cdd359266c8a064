#pragma once
// Joins the core to its two edges: TUN <-> Device <-> UDP. Owns the buffers between them, and no decision.

#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "wg4netns/core/device.h"
#include "wg4netns/gateway/gateway.h"
#include "wg4netns/io/tun_device.h"
#include "wg4netns/io/udp_socket.h"
#include "wg4netns/offload/coalesce.h"
#include "wg4netns/offload/segment.h"

namespace wg4 {

class Tunnel final : public Output {
 public:
  /// `gateway` may be null.
  Tunnel(Device& device, TunDevice tun, UdpSocket udp, std::unique_ptr<Gateway> gateway = nullptr);

  [[nodiscard]] const TunDevice& tun() const { return tun_; }
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
  void deliver(std::span<const ByteSpan> packets) override;
  void event(const Event& event) override { events_.push_back(event); }

  struct Counters {
    std::uint64_t undelivered = 0;  ///< inner packets, or groups of them, that the TUN refused
    std::uint64_t malformed = 0;    ///< frames of the TUN that made no sense
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  static constexpr std::size_t read_buffer_size = 4 * 65536;

  [[nodiscard]] bool passes_gateway(ByteSpan frame, Now now);
  void send_super_packet(Now now);
  void send_singles(Now now);
  void write(offload::Gather gather);

  Device& device_;
  TunDevice tun_;
  UdpSocket udp_;
  std::unique_ptr<Gateway> gateway_;  // for engines; null otherwise
  offload::Segmenter segmenter_;
  offload::Coalescer coalescer_;
  std::vector<Event> events_;
  Counters counters_;
  std::array<crypto::Plaintext, max_batch> singles_;  // packets that need no cutting, to be sealed together
  std::size_t single_count_ = 0;
  std::array<std::uint8_t, read_buffer_size> read_buffer_;
};

}  // namespace wg4
