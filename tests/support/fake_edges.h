#pragma once
// The two edges of a tunnel, in memory: what dataplane/edge.h asks for, without a TUN and without sockets.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "tests/support/segments.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/peer_id.h"
#include "wg4netns/io/send_failure.h"
#include "wg4netns/io/tun_device.h"
#include "wg4netns/offload/coalesce.h"

namespace wg4::test {

/// An inner edge whose frames a test puts in and takes out.
class FakeTun {
 public:
  explicit FakeTun(std::size_t queues = 1) : waiting_(queues) {}

  /// The namespace sends a frame, with its virtio header.
  void put(Bytes frame, std::size_t queue = 0) { waiting_[queue].push_back(std::move(frame)); }
  [[nodiscard]] std::size_t queues() const { return waiting_.size(); }
  [[nodiscard]] std::size_t waiting(std::size_t queue = 0) const { return waiting_[queue].size(); }
  /// What the namespace has got since the last call, frame by frame.
  [[nodiscard]] std::vector<Bytes> take() { return std::exchange(written_, {}); }
  bool is_gone = false;
  bool is_full = false;  ///< takes no frame

  // --- InnerEdge
  [[nodiscard]] TunDevice::Read read(std::size_t queue, ByteSpan frame) const;
  [[nodiscard]] bool write(offload::Gather gather) const;
  [[nodiscard]] TunOffloads offloads() const { return {.checksum = true, .segment_tcp = true, .segment_udp = true}; }

 private:
  // What a real edge has in the kernel.
  mutable std::vector<std::deque<Bytes>> waiting_;  // a queue each
  mutable std::vector<Bytes> written_;
};

/// The network's side of an outer edge: what a test sees of it, and does to it.
struct FakeWire {
  struct Run {
    SendRun run;
    Bytes bytes;
  };
  struct Counters {
    std::uint64_t send_errors = 0;
    std::uint64_t overflow = 0;
  };

  Endpoint address;         ///< of this end
  bool is_full = false;     ///< takes nothing of what is flushed
  std::vector<Run> sent;    ///< what was flushed
  std::deque<Run> arrived;  ///< to be received; run.path is as that of a DatagramRun
  std::vector<PeerId> bad_sources;
  std::vector<SendFailure> failures;
  Counters counters;
};

/// An outer edge at a FakeWire, which must outlive it.
class FakeUdp {
 public:
  explicit FakeUdp(FakeWire& wire) : wire_(&wire), room_(max_batch_size) {}

  // --- OuterEdge
  [[nodiscard]] std::span<const DatagramRun> receive(Family family);
  [[nodiscard]] ByteSpan room(std::size_t bytes);
  void push(const SendRun& run);
  void flush();
  [[nodiscard]] bool backlogged() const { return backlogged_; }
  [[nodiscard]] std::optional<PeerId> take_bad_source();
  [[nodiscard]] std::vector<SendFailure> take_failures() { return std::exchange(wire_->failures, {}); }
  [[nodiscard]] const FakeWire::Counters& counters() const { return wire_->counters; }

 private:
  FakeWire* wire_;
  Bytes room_;
  ByteSpan unsent_;  // of the last room()
  bool backlogged_ = false;
  std::vector<FakeWire::Run> pushed_;
  std::vector<FakeWire::Run> received_;  // what receive() gave
  std::vector<DatagramRun> runs_;
};

/// What one end sent arrives at the other, run by run.
void carry(FakeWire& from, FakeWire& to);

}  // namespace wg4::test
