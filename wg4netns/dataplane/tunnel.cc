#include "wg4netns/dataplane/tunnel.h"

#include <bit>
#include <cstddef>
#include <span>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/net/ip_address.h"
#include "wg4netns/core/device.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/time.h"
#include "wg4netns/crypto/aead.h"
#include "wg4netns/gateway/gateway.h"
#include "wg4netns/io/send_failure.h"
#include "wg4netns/io/tun_device.h"
#include "wg4netns/offload/virtio_net_header.h"

namespace wg4 {
namespace {

/// What one direction may take before the other gets its turn: about as much as stays in the cache.
constexpr std::size_t bytes_per_turn = 4 * 65536;
constexpr int reads_per_turn = 64;

offload::CoalesceKinds kinds(TunOffloads offloads) {
  return {.tcp4 = offloads.segment_tcp, .tcp6 = offloads.segment_tcp, .udp = offloads.segment_udp};
}

}  // namespace

Tunnel::Tunnel(const Common& common, crypto::Aead& aead, QueueShare share, UdpSocket udp)
    : device_(common.device),
      aead_(aead),
      tun_(common.tun),
      share_(share),
      udp_(std::move(udp)),
      gateway_(common.gateway),
      order_(common.order),
      taps_(common.taps),
      sealing_(common.secrets),
      opening_(common.secrets),
      coalescer_(kinds(common.tun.offloads())) {}

// ---------------------------------------------------------------- TUN -> UDP

bool Tunnel::pump_outbound(Now now) {
  std::size_t bytes = 0;
  std::size_t frames = 0;
  for (int i = 0; i < reads_per_turn && bytes < bytes_per_turn && ready_ != 0 && !backlogged(); ++i) {
    if (read_buffer_.size() - used_ < TunDevice::max_frame || single_count_ == singles_.size()) send_singles(now);
    const std::size_t queue = next_ready();
    const ByteSpan frame = ByteSpan(read_buffer_).subspan(used_);
    const TunDevice::Read read = tun_[queue].read(frame);
    if (read.status == TunDevice::ReadStatus::gone) return false;
    if (read.status == TunDevice::ReadStatus::empty) {
      ready_ &= ~(std::uint64_t{1} << queue);
    } else {
      take_frame(frame.first(read.size), now);
      // Where packets come alone, as questions and answers do, this one leaves before another is asked for.
      if (++frames == 1 && came_alone_) {
        send_singles(now);
        udp_.flush();
      }
    }
    bytes += read.size;
  }
  send_singles(now);
  if (frames > 0) came_alone_ = frames == 1;
  ready_ = 0;  // what is left is told again
  return true;
}

/// Each ready queue in its turn.
std::size_t Tunnel::next_ready() {
  const std::uint64_t behind = last_queue_ < 63 ? ready_ & ~std::uint64_t{0} << (last_queue_ + 1) : 0;
  last_queue_ = static_cast<std::size_t>(std::countr_zero(behind != 0 ? behind : ready_));
  return last_queue_;
}

void Tunnel::take_frame(ByteSpan frame, Now now) {
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

bool Tunnel::passes_gateway(ByteSpan frame, Now now) {
  const auto gateway = gateway_->hold();
  const Gateway::Verdict verdict = gateway->outbound(frame, now.boot);
  if (verdict == Gateway::Verdict::answer) {
    constexpr std::array<std::uint8_t, offload::virtio_net_header_size> whole{};
    const std::array<ByteView, 2> answer{whole, gateway->answer()};
    write(answer);
  }
  return verdict == Gateway::Verdict::pass;
}

void Tunnel::send_singles(Now now) {
  seal(std::span(singles_).first(std::exchange(single_count_, 0)), Device::Flow::mixed, now);
  used_ = 0;
}

void Tunnel::seal(std::span<const crypto::Plaintext> packets, Device::Flow flow, Now now) {
  if (is_captured()) taps_->inner(packets);
  while (!packets.empty()) {
    packets = packets.subspan(device_.hold()->outbound(packets, flow, now, *this, sealing_));
    sealing_.finish(aead_, *this);
  }
}

void Tunnel::send(const SendRun& run) {
  if (is_captured()) taps_->outer(run, room_.first(run.size));
  room_ = room_.subspan(run.size);
  udp_.push(run);
}

void Tunnel::flush() {
  udp_.flush();
  while (const auto peer = udp_.take_bad_source()) device_.hold()->forget_source(*peer);
  for (const SendFailure& failure : udp_.take_failures()) device_.hold().add(failure);
  // The device wipes its keys when they end, but cannot reach into the ciphers of other threads.
  if (order_ != nullptr) aead_.forget_keys();
  tell_drops();
}

/// They are rare, so the device is seldom held for them.
void Tunnel::tell_drops() {
  drops_.udp_refused = udp_.counters().send_errors;
  drops_.udp_overflow = udp_.counters().overflow;
  if (drops_ == told_drops_) return;
  device_.hold().move_edge_drops(told_drops_, drops_);
  told_drops_ = drops_;
}

// ---------------------------------------------------------------- UDP -> TUN

void Tunnel::pump_inbound(Family family, Now now) {
  std::span<const DatagramRun> runs;
  const auto read = [&] {
    runs = udp_.receive(family);
    return !runs.empty();
  };
  const ReadOrder::Place place = ReadOrder::take_place(order_, read);
  if (is_captured()) taps_->outer(runs);  // before they are opened in place
  const auto write_out = [this](offload::Gather gather) { write(gather); };
  for (RunCursor cursor(runs); !cursor.done();) {
    device_.hold()->inbound(cursor, now, *this, opening_);
    opening_.open(aead_);
    place.wait();
    device_.hold()->accept(opening_, now, *this);
    if (is_captured()) taps_->inner(opening_.packets());
    for (const ByteSpan packet : opening_.packets()) {
      if (gateway_ != nullptr) gateway_->hold()->inbound(packet);
      coalescer_.add(packet, write_out);
    }
  }
  coalescer_.flush(write_out);
}

void Tunnel::write(offload::Gather gather) {
  if (!tun_.write(gather)) ++drops_.tun_refused;
}

}  // namespace wg4
