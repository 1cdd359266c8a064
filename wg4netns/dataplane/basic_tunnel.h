#pragma once
// Joins the core to its two edges: TUN <-> Device <-> UDP. Owns the buffers between them, and no decision. Each thread
// that moves packets has one: some of the TUN's queues to read from, and a face of its own of the UDP socket.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/net/ip_address.h"
#include "wg4netns/capture/taps.h"
#include "wg4netns/core/data_batch.h"
#include "wg4netns/core/edge_drops.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/time.h"
#include "wg4netns/crypto/aead.h"
#include "wg4netns/dataplane/read_order.h"
#include "wg4netns/dataplane/shared_device.h"
#include "wg4netns/dataplane/shared_gateway.h"
#include "wg4netns/io/tun_queues.h"
#include "wg4netns/io/udp_socket.h"
#include "wg4netns/offload/coalesce.h"
#include "wg4netns/offload/segment.h"

namespace wg4 {

/// Which of the TUN's queues a thread reads: first, first + step, ...
struct QueueShare {
  std::size_t first = 0;
  std::size_t step = 1;
};

class Tunnel final : public Output {
 public:
  /// What the tunnels of all threads have in common.
  struct Common {
    SharedDevice& device;
    const TunQueues& tun;
    SharedGateway* gateway;              ///< for engines; else null
    ReadOrder* order;                    ///< for several threads; else null
    capture::Taps* taps;                 ///< for captures of what passes; else null
    std::pmr::memory_resource& secrets;  ///< where the keys are that the cipher works with
  };
  Tunnel(const Common& common, crypto::Aead& aead, QueueShare share, UdpSocket udp);

  [[nodiscard]] const TunQueues& tun() const { return tun_; }
  [[nodiscard]] QueueShare share() const { return share_; }
  [[nodiscard]] const UdpSocket& udp() const { return udp_; }
  /// Another port: see UdpSocket::replace_by(). Any thread may do this.
  [[nodiscard]] Result<void> replace_udp(const UdpSocket& fresh) { return udp_.replace_by(fresh); }
  /// UDP takes no more for now: the TUN is to be left alone, so that the namespace's own queues push back.
  [[nodiscard]] bool backlogged() const { return udp_.backlogged(); }

  /// This queue, one of share(), can be read.
  void queue_ready(std::size_t queue) { ready_ |= std::uint64_t{1} << queue; }
  /// TUN -> UDP, a bounded number of bytes and packets, from the ready queues in turn. False when the device is gone.
  [[nodiscard]] bool pump_outbound(Now now);
  /// What the network says of datagrams that were sent; only after udp().report_failures().
  void read_failures(Family family) { udp_.read_failures(family); }
  /// UDP -> TUN, a bounded number of datagrams.
  void pump_inbound(Family family, Now now);
  /// Ends a turn: what was sealed goes out.
  void flush();

  // Output
  ByteSpan send_room(std::size_t bytes) override { return room_ = udp_.room(bytes); }
  void send(const SendRun& run) override;
  void event(const Event& event) override { device_.add(event); }

 private:
  static constexpr std::size_t read_buffer_size = 4 * 65536;

  [[nodiscard]] bool is_captured() const { return taps_ != nullptr && taps_->active(); }
  [[nodiscard]] std::size_t next_ready();
  void take_frame(ByteSpan frame, Now now);
  [[nodiscard]] bool passes_gateway(ByteSpan frame, Now now);
  void send_singles(Now now);
  void seal(std::span<const crypto::Plaintext> packets, Device::Flow flow, Now now);
  void write(offload::Gather gather);
  void tell_drops();

  SharedDevice& device_;
  crypto::Aead& aead_;
  const TunQueues& tun_;
  QueueShare share_;
  UdpSocket udp_;
  SharedGateway* gateway_;
  ReadOrder* order_;
  capture::Taps* taps_;
  ByteSpan room_;  // what is left of the last send_room()
  SealBatch sealing_;
  OpenBatch opening_;
  offload::Segmenter segmenter_;
  offload::Coalescer coalescer_;
  EdgeDrops drops_;
  EdgeDrops told_drops_;                              // as the device knows them
  std::uint64_t ready_ = 0;                           // a bit for each queue
  std::size_t last_queue_ = 0;                        // that was read
  std::array<crypto::Plaintext, max_batch> singles_;  // packets that need no cutting, to be sealed together
  std::size_t single_count_ = 0;
  bool came_alone_ = false;  // the last turn found one frame
  std::size_t used_ = 0;     // of the read buffer, by singles_
  std::array<std::uint8_t, read_buffer_size> read_buffer_;
};

}  // namespace wg4
