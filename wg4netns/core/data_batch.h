#pragma once
// Transport data on its way through the cipher. The device prepares a batch (looks up, takes counters), the cipher
// works on it, and the device commits it (replay window, endpoint, timers). A batch holds all that the cipher needs, by
// value, so another thread may use the device in the meantime.
//
//   out:  n = device.outbound(packets, ..., batch);  batch.finish(aead, out);
//   in:   device.inbound(cursor, ..., batch);        batch.open(aead);        device.accept(batch, ...);

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>

#include "shared/base/bytes.h"
#include "wg4netns/core/inner_packet.h"
#include "wg4netns/core/keypair.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/output.h"
#include "wg4netns/crypto/aead.h"

namespace wg4 {

/// Packets of one session that have their counters and wait for the cipher.
class SealBatch {
 public:
  /// Its key lives in `secrets`, and only from outbound() to finish().
  explicit SealBatch(std::pmr::memory_resource& secrets) : key_(make_pmr<crypto::AeadKey>(secrets)) {}

  /// Encrypts, and hands the datagrams to `out` in runs of equal size, in which the last may be shorter.
  void finish(crypto::Aead& aead, Output& out);

 private:
  friend class Device;

  PmrPtr<crypto::AeadKey> key_;
  std::array<crypto::SealJob, max_batch> jobs_;
  std::size_t count_ = 0;
  SendRun run_;  // a template for its runs
};

/// The datagrams of one read of the UDP socket, and a position: how far they were taken into batches.
class RunCursor {
 public:
  explicit RunCursor(std::span<const DatagramRun> runs) : runs_(runs) {}

  [[nodiscard]] bool done() const { return runs_.empty(); }
  [[nodiscard]] const DatagramRun& run() const { return runs_.front(); }
  /// The next datagram of run().
  [[nodiscard]] ByteSpan datagram() const;
  void advance();

 private:
  std::span<const DatagramRun> runs_;
  std::size_t offset_ = 0;
};

/// Datagrams of known sessions that wait for the cipher; afterwards the inner packets that were accepted.
class OpenBatch {
 public:
  static constexpr std::size_t capacity = 4 * max_batch;  // datagrams

  /// Its keys live in `secrets`, and only from inbound() to open().
  explicit OpenBatch(std::pmr::memory_resource& secrets) : keys_(make_pmr<Keys>(secrets)) {}

  /// Decrypts in place.
  void open(crypto::Aead& aead);
  /// Inner packets for the TUN, in order. They point into the DatagramRuns' buffers and may be changed.
  [[nodiscard]] std::span<const ByteSpan> packets() const { return std::span(packets_).first(packet_count_); }

 private:
  friend class Device;
  using Keys = std::array<crypto::AeadKey, capacity>;

  /// Datagrams that follow each other, of one session and of one run.
  struct Group {
    std::uint32_t index = 0;  // the receiver index
    const DatagramRun* run = nullptr;
    Ecn ecn = Ecn::not_ect;
    std::size_t count = 0;  // jobs
  };

  void clear() { job_count_ = group_count_ = packet_count_ = 0; }
  [[nodiscard]] bool is_full() const { return job_count_ == capacity; }

  PmrPtr<Keys> keys_;  // one a group
  std::array<Group, capacity> groups_;
  std::array<crypto::OpenJob, capacity> jobs_;
  std::array<ByteSpan, capacity> packets_;
  std::size_t group_count_ = 0;
  std::size_t job_count_ = 0;
  std::size_t packet_count_ = 0;
};

}  // namespace wg4
