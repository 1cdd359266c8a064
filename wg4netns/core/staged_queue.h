#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "wg4netns/core/limits.h"
#include "wg4netns/crypto/aead.h"

namespace wg4 {

/// Inner packets that wait for a session. Bounded in number and bytes; the oldest is dropped first. This is not the
/// fast path: it holds the few packets that are sent while a handshake runs.
class StagedQueue {
 public:
  struct Packet {
    std::vector<std::uint8_t> bytes;
    std::uint8_t ecn = 0;
  };

  /// Returns how many old packets were dropped to make room.
  std::size_t push(const crypto::Plaintext& packet, std::uint8_t ecn) {
    Packet staged{.bytes = {}, .ecn = ecn};
    staged.bytes.reserve(packet.size());
    staged.bytes.insert(staged.bytes.end(), packet.head.begin(), packet.head.end());
    staged.bytes.insert(staged.bytes.end(), packet.body.begin(), packet.body.end());
    bytes_ += staged.bytes.size();
    packets_.push_back(std::move(staged));

    std::size_t excess = 0;
    while (packets_.size() - excess > max_staged_packets || bytes_ > max_staged_bytes)
      bytes_ -= packets_[excess++].bytes.size();
    packets_.erase(packets_.begin(), packets_.begin() + static_cast<std::ptrdiff_t>(excess));
    return excess;
  }

  [[nodiscard]] bool empty() const { return packets_.empty(); }
  [[nodiscard]] std::size_t size() const { return packets_.size(); }
  [[nodiscard]] std::vector<Packet> take_all() {
    bytes_ = 0;
    return std::exchange(packets_, {});
  }

 private:
  std::vector<Packet> packets_;
  std::size_t bytes_ = 0;
};

}  // namespace wg4
