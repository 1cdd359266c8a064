#include "wg4netns/capture/block_buffer.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "wg4netns/capture/outer_header.h"

namespace wg4::capture {
namespace {

/// Space that packets leave free, so that the statistics still fit when the buffer is full.
constexpr std::size_t reserve = 256;

}  // namespace

BlockBuffer::BlockBuffer(std::size_t capacity, const Names& names, std::uint16_t port)
    : capacity_(capacity), port_(port), filling_(make_room(capacity)), taken_(make_room(capacity)) {
  const std::string comment = std::string("WireGuard tunnel: the packets inside, and the datagrams around them") +
                              (names.with_keys ? ", with the keys that decrypt these" : "");
  used_ += pcapng::write_section(room(), {.comment = comment, .application = names.application});
  used_ += pcapng::write_interface(room(), {.name = names.interface, .description = "inside the tunnel"});
  used_ += pcapng::write_interface(
      room(), {.name = "udp", .description = "outside; IP and UDP headers as far as a socket knows them"});
}

BlockBuffer::Room BlockBuffer::make_room(std::size_t capacity) {
  return std::make_unique_for_overwrite<std::uint8_t[]>(capacity);  // NOLINT(modernize-avoid-c-arrays)
}

void BlockBuffer::inner(std::span<const crypto::Plaintext> packets, std::uint64_t time_ns) {
  for (const crypto::Plaintext& each : packets)
    packet(Side::inner, Direction::out, std::array{each.head, each.body}, time_ns);
}

void BlockBuffer::inner(std::span<const ByteSpan> packets, std::uint64_t time_ns) {
  for (const ByteSpan each : packets) packet(Side::inner, Direction::in, std::array{ByteView(each)}, time_ns);
}

void BlockBuffer::outer(const DatagramRun& run, std::uint64_t time_ns) {
  datagrams(run.path, Direction::in, run.tos, run.bytes, run.segment_size, time_ns);
}

void BlockBuffer::outer(const SendRun& run, ByteView bytes, std::uint64_t time_ns) {
  datagrams(run.path, Direction::out, run.tos, bytes, run.segment_size, time_ns);
}

void BlockBuffer::datagrams(const Path& path, Direction direction, std::uint8_t tos, ByteView bytes,
                            std::size_t segment_size, std::uint64_t time_ns) {
  Endpoint here{path.local, port_, 0};
  // If the routing table chooses our address, it is not known here.
  if (here.address.family() != path.remote.address.family())
    here.address = path.remote.address.is_v4() ? IpAddress{} : IpAddress::v6(std::array<std::uint8_t, 16>{});
  const bool in = direction == Direction::in;
  while (!bytes.empty()) {
    const ByteView datagram = bytes.first(std::min(segment_size, bytes.size()));
    const OuterHeader header(in ? path.remote : here, in ? here : path.remote, tos, datagram);
    packet(Side::outer, direction, std::array{header.bytes(), datagram}, time_ns);
    bytes = bytes.subspan(datagram.size());
  }
}

void BlockBuffer::packet(Side side, Direction direction, std::span<const ByteView> pieces, std::uint64_t time_ns) {
  const auto interface = static_cast<std::uint32_t>(side);
  Counts& counts = counts_[interface];
  const pcapng::Packet packet{interface, time_ns, direction, pieces};
  ++counts.packets;
  if (pcapng::packet_size(packet) + reserve > room().size()) {
    ++counts.dropped;
  } else {
    used_ += pcapng::write_packet(room(), packet);
  }
}

void BlockBuffer::keys(const KeyLogEntry& entry) {
  if (pcapng::secrets_size(entry.text().size()) + reserve <= room().size())
    used_ += pcapng::write_secrets(room(), pcapng::wireguard_key_log, entry.text());
}

void BlockBuffer::statistics(std::uint64_t time_ns) {
  if (2 * pcapng::statistics_size() > room().size()) return;
  for (std::uint32_t i = 0; i < counts_.size(); ++i)
    used_ += pcapng::write_statistics(room(), {i, time_ns, counts_[i].packets, counts_[i].dropped});
}

BlockBuffer::Counts BlockBuffer::counts() const {
  return {counts_[0].packets + counts_[1].packets, counts_[0].dropped + counts_[1].dropped};
}

ByteSpan BlockBuffer::take() {
  std::swap(filling_, taken_);
  return {taken_.get(), std::exchange(used_, 0)};
}

}  // namespace wg4::capture
