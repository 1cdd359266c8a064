#pragma once
// Generic segmentation offload (GSO): the kernel hands over a super-packet of up to 64 KiB and says where to cut; each
// piece gets headers of its own. Pure: bytes in, pieces out.
//
// The payload is not copied. A piece is a head (its headers, filled up with payload to whole cipher blocks) in the
// segmenter's own memory, and a body that still lies in the read buffer; the cipher writes both to another place.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "shared/base/bytes.h"
#include "wg4netns/crypto/aead.h"
#include "wg4netns/offload/virtio_net_header.h"

namespace wg4::offload {

class Segmenter {
 public:
  static constexpr std::size_t max_batch = 64;  ///< pieces of one call of next()

  /// Starts with one read of the TUN: virtio header and packet. `frame` is written to and must stay valid until the
  /// last piece is used. False when the virtio header does not fit the packet: drop it.
  [[nodiscard]] bool begin(ByteSpan frame);
  /// After begin(): nothing is to be cut, next() gives one piece, which lies in the frame.
  [[nodiscard]] bool is_single() const { return single_; }
  /// The next pieces, in order; empty at the end. Valid until the next call.
  [[nodiscard]] std::span<const crypto::Plaintext> next();

 private:
  static constexpr std::size_t block = 64;               // of ChaCha20
  static constexpr std::size_t max_headers = 3 * block;  // IP, options or extension headers, TCP, options

  [[nodiscard]] bool begin_super_packet();
  [[nodiscard]] bool finish_checksum();
  [[nodiscard]] std::uint64_t pseudo_sum_without_length() const;
  void cut_one(std::size_t number, crypto::Plaintext& piece);
  void write_ip_header(std::uint8_t* head, std::size_t payload) const;
  void write_transport_header(std::uint8_t* head, std::size_t payload, bool first, bool last) const;

  VirtioNetHeader header_;
  ByteSpan packet_;
  bool v4_ = false;
  bool tcp_ = false;
  bool single_ = false;        // nothing to cut
  std::size_t transport_ = 0;  // offset of the TCP or UDP header
  std::size_t headers_ = 0;    // length of IP and transport header
  std::size_t at_ = 0;         // payload bytes cut so far
  std::uint16_t cut_ = 0;      // pieces cut so far
  std::uint64_t pseudo_sum_ = 0;
  std::array<crypto::Plaintext, max_batch> pieces_;
  std::array<std::array<std::uint8_t, max_headers>, max_batch> heads_;
};

}  // namespace wg4::offload
