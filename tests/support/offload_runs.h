#pragma once
// Runs the segmenter and the coalescer over packets that a test can keep and compare.

#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/bytes.h"
#include "tests/support/segments.h"
#include "wg4netns/crypto/aead.h"
#include "wg4netns/offload/coalesce.h"
#include "wg4netns/offload/segment.h"
#include "wg4netns/offload/virtio_net_header.h"

namespace wg4::test {

inline Bytes flatten(offload::Gather gather) {
  Bytes bytes;
  for (const ByteView piece : gather) bytes.insert(bytes.end(), piece.begin(), piece.end());
  return bytes;
}

/// The pieces of a frame; nothing when it is refused.
inline std::optional<std::vector<Bytes>> cut(offload::Segmenter& segmenter, ByteSpan frame) {
  if (!segmenter.begin(frame)) return std::nullopt;
  std::vector<Bytes> pieces;
  for (auto batch = segmenter.next(); !batch.empty(); batch = segmenter.next())
    for (const crypto::Plaintext& piece : batch) pieces.push_back(flatten(std::array{piece.head, piece.body}));
  return pieces;
}

inline std::optional<std::vector<Bytes>> cut(Bytes frame) {
  const auto segmenter = std::make_unique<offload::Segmenter>();
  return cut(*segmenter, frame);
}

inline constexpr offload::CoalesceKinds all_kinds{.tcp4 = true, .tcp6 = true, .udp = true};

/// The frames that packets become.
inline std::vector<Bytes> merge(std::vector<Bytes> packets, offload::CoalesceKinds kinds = all_kinds) {
  const auto coalescer = std::make_unique<offload::Coalescer>(kinds);
  std::vector<Bytes> frames;
  const auto write = [&](offload::Gather gather) { frames.push_back(flatten(gather)); };
  for (Bytes& packet : packets) coalescer->add(packet, write);
  coalescer->flush(write);
  return frames;
}

inline Bytes packet_of(ByteView frame) { return {frame.begin() + offload::virtio_net_header_size, frame.end()}; }

/// The identification of a packet with DF has no meaning (RFC 6864 4.1).
inline Bytes without_atomic_id(Bytes packet) {
  if (flow_of(packet).empty() || packet[0] != 0x45 || (packet[6] & 0x40) == 0) return packet;
  // The header's checksum changes with it; a wrong one stays wrong.
  const bool right = naive_checksum(ByteView(packet).first(20)) == 0;
  packet[4] = packet[5] = packet[10] = packet[11] = 0;
  packet[10] = right ? 1 : 0;
  return packet;
}

/// A stream, reduced to the order that is guaranteed: each flow's packets in order, and no packet moved past one
/// without a flow.
inline std::map<std::pair<std::size_t, std::string>, std::vector<Bytes>> by_flow(const std::vector<Bytes>& packets) {
  std::map<std::pair<std::size_t, std::string>, std::vector<Bytes>> flows;
  std::size_t epoch = 0;
  for (const Bytes& packet : packets) {
    const std::string flow = flow_of(packet);
    if (flow.empty()) ++epoch;
    flows[{epoch, flow}].push_back(without_atomic_id(packet));
    if (flow.empty()) ++epoch;
  }
  return flows;
}

}  // namespace wg4::test
