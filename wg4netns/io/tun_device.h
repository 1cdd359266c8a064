#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "wg4netns/offload/coalesce.h"
#include "wg4netns/offload/virtio_net_header.h"

namespace wg4 {

/// Work that the kernel and this program leave to each other at the TUN. All false means single, finished packets.
struct TunOffloads {
  bool checksum = false;     ///< TUN_F_CSUM: checksums may be left to finish
  bool segment_tcp = false;  ///< TUN_F_TSO4 | TUN_F_TSO6
  bool segment_udp = false;  ///< TUN_F_USO4 | TUN_F_USO6, Linux 6.2
};

/// A TUN whose device may be in any network namespace: the descriptor alone is enough to move its packets.
class TunDevice {
 public:
  /// Takes a descriptor that is attached to a TUN without packet information (IFF_TUN | IFF_NO_PI), with or without
  /// IFF_VNET_HDR. With it, enables as much of `wanted` as this kernel has.
  [[nodiscard]] static Result<TunDevice> adopt(UniqueFd fd, TunOffloads wanted = {});

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const UniqueFd& descriptor() const { return fd_; }
  /// The name of the interface at the time when it was adopted.
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] TunOffloads offloads() const { return offloads_; }
  [[nodiscard]] bool has_header() const { return has_header_; }

  enum class ReadStatus : std::uint8_t { packet, empty, gone };
  struct Read {
    ReadStatus status;
    std::size_t size = 0;  ///< bytes of `frame`
  };
  /// The next packet that the namespace sends, always with a virtio header in front. `frame` holds at least max_frame
  /// bytes.
  [[nodiscard]] Read read(ByteSpan frame) const;
  static constexpr std::size_t max_frame = offload::virtio_net_header_size + 65535;

  /// Sends one packet, with a virtio header in front, to the namespace. False when the device does not take it (down,
  /// or its queue is full).
  [[nodiscard]] bool write(offload::Gather gather) const;

 private:
  TunDevice(UniqueFd fd, std::string name, bool has_header)
      : fd_(std::move(fd)), name_(std::move(name)), has_header_(has_header) {}
  void enable(TunOffloads wanted);

  UniqueFd fd_;
  std::string name_;
  bool has_header_;  // IFF_VNET_HDR
  TunOffloads offloads_;
};

}  // namespace wg4
