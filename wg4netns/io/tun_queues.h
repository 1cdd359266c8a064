#pragma once
// The queues of one TUN. The kernel puts each flow of the namespace into one of them, so reading them in turn is fair
// to flows: a ping does not wait behind all that a download has queued. The kernel keeps a flow in the queue that its
// packets in the other direction were written to.

#include <cstddef>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "wg4netns/io/tun_device.h"
#include "wg4netns/offload/coalesce.h"

namespace wg4 {

class TunQueues {
 public:
  /// Takes at least one descriptor, all of the same interface; see TunDevice::adopt().
  [[nodiscard]] static Result<TunQueues> adopt(std::vector<UniqueFd> fds, TunOffloads wanted);

  [[nodiscard]] std::size_t size() const { return queues_.size(); }
  [[nodiscard]] const TunDevice& operator[](std::size_t at) const { return queues_[at]; }
  [[nodiscard]] TunOffloads offloads() const { return queues_.front().offloads(); }
  [[nodiscard]] bool has_header() const { return queues_.front().has_header(); }

  [[nodiscard]] TunDevice::Read read(std::size_t queue, ByteSpan frame) const { return queues_[queue].read(frame); }
  /// As TunDevice::write(), to the queue of the packet's flow. Any thread may call it.
  [[nodiscard]] bool write(offload::Gather gather) const;

 private:
  std::vector<TunDevice> queues_;
};

}  // namespace wg4
