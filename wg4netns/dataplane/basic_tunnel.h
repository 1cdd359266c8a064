#pragma once
// Joins the core to two edges: inner edge <-> Device <-> outer edge, which are TUN and UDP in the program (tunnel.h).
// Owns the buffers between them, and decides nothing. Each thread that moves packets has one: some of the inner edge's
// queues to read from, and an outer edge of its own.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/net/ip_address.h"
#include "wg4netns/capture/taps.h"
#include "wg4netns/core/data_path.h"
#include "wg4netns/core/device.h"
#include "wg4netns/core/edge_drops.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/time.h"
#include "wg4netns/crypto/aead.h"
#include "wg4netns/dataplane/edge.h"
#include "wg4netns/dataplane/read_order.h"
#include "wg4netns/dataplane/shared_device.h"
#include "wg4netns/dataplane/shared_gateway.h"
#include "wg4netns/gateway/gateway.h"
#include "wg4netns/io/send_failure.h"
#include "wg4netns/io/tun_device.h"
#include "wg4netns/offload/coalesce.h"
#include "wg4netns/offload/segment.h"
#include "wg4netns/offload/virtio_net_header.h"

namespace wg4 {

/// Which of the inner edge's queues a thread reads: first, first + step, ...
struct QueueShare {
  std::size_t first = 0;
  std::size_t step = 1;
};

template <InnerEdge Inner, OuterEdge Outer>
class BasicTunnel final : public Output {
 public:
  /// What the tunnels of all threads have in common.
  struct Common {
    SharedDevice& device;
    const Inner& inner;
    SharedGateway* gateway;              ///< for engines; else null
    ReadOrder* order;                    ///< for several threads; else null
    capture::Taps* taps;                 ///< for captures of what passes; else null
    std::pmr::memory_resource& secrets;  ///< memory for the keys that the cipher works with
  };
  BasicTunnel(const Common& common, crypto::Aead& aead, QueueShare share, Outer outer);

  [[nodiscard]] const Inner& inner() const { return inner_; }
  [[nodiscard]] QueueShare share() const { return share_; }
  [[nodiscard]] Outer& outer() { return outer_; }
  [[nodiscard]] const Outer& outer() const { return outer_; }
  /// The outer edge takes no more for now: the inner one is not to be read until it does, so that the namespace's own
  /// queues push back.
  [[nodiscard]] bool backlogged() const { return outer_.backlogged(); }

  /// This queue, one of share(), can be read.
  void queue_ready(std::size_t queue) { ready_ |= std::uint64_t{1} << queue; }
  /// Inner -> outer, a bounded number of bytes and packets, from the ready queues in turn. False when the inner edge is
  /// gone.
  [[nodiscard]] bool pump_outbound(Now now);
  /// Outer -> inner, a bounded number of datagrams.
  void pump_inbound(Family family, Now now);
  /// Ends a turn: what was sealed goes out.
  void flush();

  // Output
  ByteSpan send_room(std::size_t bytes) override { return room_ = outer_.room(bytes); }
  void send(const SendRun& run) override;
  void event(const Event& event) override { device_.add(event); }

 private:
  // The most that one direction takes before the other gets its turn: about as much as stays in the cache.
  static constexpr std::size_t bytes_per_turn = 4 * 65536;
  static constexpr int reads_per_turn = 64;
  static constexpr std::size_t read_buffer_size = 4 * 65536;

  [[nodiscard]] static offload::CoalesceKinds kinds(TunOffloads offloads) {
    return {.tcp4 = offloads.segment_tcp, .tcp6 = offloads.segment_tcp, .udp = offloads.segment_udp};
  }
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
  const Inner& inner_;
  QueueShare share_;
  Outer outer_;
  SharedGateway* gateway_;
  ReadOrder* order_;
  capture::Taps* taps_;
  ByteSpan room_;  // what is left of the last send_room()
  DataPath<SharedDevice> data_path_;
  offload::Segmenter segmenter_;
  offload::Coalescer coalescer_;
  EdgeDrops drops_;
  EdgeDrops told_drops_;                              // the counts that the device knows
  std::uint64_t ready_ = 0;                           // a bit for each queue
  std::size_t last_queue_ = 0;                        // the last that was read
  std::array<crypto::Plaintext, max_batch> singles_;  // packets that need no cutting, to be sealed together
  std::size_t single_count_ = 0;
  bool came_alone_ = false;  // the last turn found one frame
  std::size_t used_ = 0;     // of the read buffer, by singles_
  std::array<std::uint8_t, read_buffer_size> read_buffer_;
};

template <InnerEdge Inner, OuterEdge Outer>
BasicTunnel<Inner, Outer>::BasicTunnel(const Common& common, crypto::Aead& aead, QueueShare share, Outer outer)
    : device_(common.device),
      aead_(aead),
      inner_(common.inner),
      share_(share),
      outer_(std::move(outer)),
      gateway_(common.gateway),
      order_(common.order),
      taps_(common.taps),
      data_path_(common.device, aead, common.secrets),
      coalescer_(kinds(common.inner.offloads())) {}

// ---------------------------------------------------------------- inner -> outer

template <InnerEdge Inner, OuterEdge Outer>
bool BasicTunnel<Inner, Outer>::pump_outbound(Now now) {
  std::size_t bytes = 0;
  std::size_t frames = 0;
  for (int i = 0; i < reads_per_turn && bytes < bytes_per_turn && ready_ != 0 && !backlogged(); ++i) {
    if (read_buffer_.size() - used_ < TunDevice::max_frame || single_count_ == singles_.size()) send_singles(now);
    const std::size_t queue = next_ready();
    const ByteSpan frame = ByteSpan(read_buffer_).subspan(used_);
    const TunDevice::Read read = inner_.read(queue, frame);
    if (read.status == TunDevice::ReadStatus::gone) return false;
    if (read.status == TunDevice::ReadStatus::empty) {
      ready_ &= ~(std::uint64_t{1} << queue);
    } else {
      take_frame(frame.first(read.size), now);
      // Where packets come one by one, as requests and replies do, this one is sent before the next is read.
      if (++frames == 1 && came_alone_) {
        send_singles(now);
        outer_.flush();
      }
    }
    bytes += read.size;
  }
  send_singles(now);
  if (frames > 0) came_alone_ = frames == 1;
  ready_ = 0;  // the loop reports queues again that still have frames
  return true;
}

/// Each ready queue in its turn.
template <InnerEdge Inner, OuterEdge Outer>
std::size_t BasicTunnel<Inner, Outer>::next_ready() {
  const std::uint64_t behind = last_queue_ < 63 ? ready_ & ~std::uint64_t{0} << (last_queue_ + 1) : 0;
  last_queue_ = static_cast<std::size_t>(std::countr_zero(behind != 0 ? behind : ready_));
  return last_queue_;
}

template <InnerEdge Inner, OuterEdge Outer>
void BasicTunnel<Inner, Outer>::take_frame(ByteSpan frame, Now now) {
  if (gateway_ != nullptr && !passes_gateway(frame, now)) return;
  if (!segmenter_.begin(frame)) {
    ++drops_.tun_malformed;
  } else if (segmenter_.is_single()) {
    singles_[single_count_++] = segmenter_.next().front();
    used_ += frame.size();
  } else {
    send_singles(now);
    for (auto pieces = segmenter_.next(); !pieces.empty(); pieces = segmenter_.next())
      seal(pieces, Device::Flow::one, now);
  }
}

template <InnerEdge Inner, OuterEdge Outer>
bool BasicTunnel<Inner, Outer>::passes_gateway(ByteSpan frame, Now now) {
  const auto gateway = gateway_->hold();
  const Gateway::Verdict verdict = gateway->outbound(frame, now.boot);
  if (verdict == Gateway::Verdict::answer) {
    constexpr std::array<std::uint8_t, offload::virtio_net_header_size> whole{};
    const std::array<ByteView, 2> answer{whole, gateway->answer()};
    write(answer);
  }
  return verdict == Gateway::Verdict::pass;
}

template <InnerEdge Inner, OuterEdge Outer>
void BasicTunnel<Inner, Outer>::send_singles(Now now) {
  seal(std::span(singles_).first(std::exchange(single_count_, 0)), Device::Flow::mixed, now);
  used_ = 0;
}

template <InnerEdge Inner, OuterEdge Outer>
void BasicTunnel<Inner, Outer>::seal(std::span<const crypto::Plaintext> packets, Device::Flow flow, Now now) {
  if (is_captured()) taps_->inner(packets);
  data_path_.send(packets, flow, now, *this);
}

template <InnerEdge Inner, OuterEdge Outer>
void BasicTunnel<Inner, Outer>::send(const SendRun& run) {
  if (is_captured()) taps_->outer(run, room_.first(run.size));
  room_ = room_.subspan(run.size);
  outer_.push(run);
}

template <InnerEdge Inner, OuterEdge Outer>
void BasicTunnel<Inner, Outer>::flush() {
  outer_.flush();
  while (const auto peer = outer_.take_bad_source()) device_.hold()->forget_source(*peer);
  for (const SendFailure& failure : outer_.take_failures()) device_.hold().add(failure);
  // The device wipes its keys when they end, but cannot reach into the ciphers of other threads.
  if (order_ != nullptr) aead_.forget_keys();
  tell_drops();
}

/// Drops are rare, so the device is seldom held for them.
template <InnerEdge Inner, OuterEdge Outer>
void BasicTunnel<Inner, Outer>::tell_drops() {
  drops_.udp_refused = outer_.counters().send_errors;
  drops_.udp_overflow = outer_.counters().overflow;
  if (drops_ == told_drops_) return;
  device_.hold().move_edge_drops(told_drops_, drops_);
  told_drops_ = drops_;
}

// ---------------------------------------------------------------- outer -> inner

template <InnerEdge Inner, OuterEdge Outer>
void BasicTunnel<Inner, Outer>::pump_inbound(Family family, Now now) {
  std::span<const DatagramRun> runs;
  const auto read = [&] {
    runs = outer_.receive(family);
    return !runs.empty();
  };
  const ReadOrder::Place place = ReadOrder::take_place(order_, read);
  if (is_captured()) taps_->outer(runs);  // before they are opened in place
  const auto write_out = [this](offload::Gather gather) { write(gather); };
  const auto deliver = [&](std::span<const ByteSpan> packets) {
    if (is_captured()) taps_->inner(packets);
    for (const ByteSpan packet : packets) {
      if (gateway_ != nullptr) gateway_->hold()->inbound(packet);
      coalescer_.add(packet, write_out);
    }
  };
  data_path_.receive(runs, now, *this, [&] { place.wait(); }, deliver);
  coalescer_.flush(write_out);
}

template <InnerEdge Inner, OuterEdge Outer>
void BasicTunnel<Inner, Outer>::write(offload::Gather gather) {
  if (!inner_.write(gather)) ++drops_.tun_refused;
}

}  // namespace wg4
