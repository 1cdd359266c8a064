#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#include "tests/support/segments.h"

namespace wg4::test {

/// Packets as they come out of a tunnel: of some flows, mostly in sequence, mixed with everything that prevents
/// merging. All of it follows from the decisions of `below(end)`, each 0..end-1.
class MixedStream {
 public:
  static constexpr std::size_t flow_count = 12;  // more than a coalescer has groups

  explicit MixedStream(std::function<std::size_t(std::size_t)> below) : below_(std::move(below)) {
    constexpr std::array<std::size_t, 6> sizes{1, 7, 64, 100, 1380, 4000};
    for (std::size_t i = 0; i < flow_count; ++i) {
      Flow& flow = flows_[i];
      flow.next.flow = static_cast<std::uint8_t>(i / 2);
      flow.next.v4 = i % 2 == 0;
      flow.next.tcp = below_(3) != 0;
      flow.next.fragment = below_(4) == 0 ? 0 : 0x4000;
      flow.next.id = static_cast<std::uint16_t>(0 - below_(100));  // some wrap
      flow.next.sequence = static_cast<std::uint32_t>(0 - below_(100) * 1000);
      flow.next.tcp_options = below_(2) == 0 ? Bytes{} : pattern(12);
      flow.id_step = below_(4) == 0 ? 0 : 1;
      flow.segment = sizes[below_(sizes.size())];
    }
  }

  [[nodiscard]] Bytes next() {
    if (below_(8) == 0) current_ = below_(flow_count);
    Flow& flow = flows_[current_];
    switch (below_(40)) {
      case 0:
        return send(flow, below_(flow.segment + 1), ack);
      case 1:
        return send(flow, flow.segment, ack | psh);
      case 2:
        return send(flow, flow.segment, ack | fin);
      case 3:
        return send(flow, flow.segment, static_cast<std::uint8_t>(below_(256)));
      case 4:
        return send(flow, flow.segment + 1 + below_(100), ack);
      case 5:
        return last_;
      case 6:
        flow.next.sequence += static_cast<std::uint32_t>(below_(3));
        flow.next.id = static_cast<std::uint16_t>(flow.next.id + below_(3));
        return send(flow, flow.segment, ack);
      case 7:
        return bent(send(flow, flow.segment, ack), flow.next);
      case 8:
        return pattern(1 + below_(80), below_(256));
      default:
        return send(flow, flow.segment, ack);
    }
  }

 private:
  static constexpr std::uint8_t ack = 0x10;
  static constexpr std::uint8_t psh = 0x08;
  static constexpr std::uint8_t fin = 0x01;

  struct Flow {
    SegmentSpec next;
    std::size_t segment = 0;
    std::uint16_t id_step = 1;
  };

  Bytes send(Flow& flow, std::size_t size, std::uint8_t flags) {
    flow.next.flags = flags;
    flow.next.payload = pattern(size, flow.next.sequence);
    last_ = make_segment(flow.next);
    flow.next.sequence += static_cast<std::uint32_t>(size);
    flow.next.id = static_cast<std::uint16_t>(flow.next.id + flow.id_step);
    return last_;
  }

  /// Changes one byte of the headers, or near them; the checksums may be corrected or not.
  Bytes bent(Bytes packet, const SegmentSpec& spec) {
    const std::size_t at = below_(std::min<std::size_t>(packet.size(), 90));
    packet[at] ^= static_cast<std::uint8_t>(1U << below_(8));
    if (at > 0 && below_(2) == 0) set_checksums(packet, spec.transport(), spec.tcp);
    return packet;
  }

  std::function<std::size_t(std::size_t)> below_;
  std::array<Flow, flow_count> flows_;
  std::size_t current_ = 0;
  Bytes last_{0};
};

}  // namespace wg4::test
