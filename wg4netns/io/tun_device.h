#pragma once

#include <cstdint>

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

/// A TUN whose device may be in any network namespace: whoever holds the descriptor moves its packets.
class TunDevice {
 public:
  /// Takes a descriptor that is attached to a TUN without packet information (IFF_TUN | IFF_NO_PI).
  [[nodiscard]] static Result<TunDevice> adopt(UniqueFd fd);

  [[nodiscard]] int fd() const { return fd_.get(); }

  enum class ReadStatus : std::uint8_t { packet, empty, gone };
  struct Read {
    ReadStatus status;
    std::size_t size = 0;  ///< bytes of `buffer`
  };
  /// The next packet that the namespace sends.
  [[nodiscard]] Read read(ByteSpan buffer);
  /// Gives one IP packet to the namespace. False when the device does not take it (down, or its queue is full).
  bool write(ByteView packet);

 private:
  explicit TunDevice(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace wg4
