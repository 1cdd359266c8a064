#pragma once
// Generic receive offload (GRO): consecutive packets of one flow are merged into one super-packet of up to 64 KiB, with
// a header that says where to cut it again, so that the kernel's stack handles them once. Pure: packets in, gather
// lists out.
//
// Packets are merged only if cutting gives the same packets again: same addresses, ports, options, flags, TTL and TOS,
// consecutive sequence numbers and identifications, payloads of one size (the last may be shorter), and correct
// checksums, since merging replaces them. As in Linux, the IPv4 identification may also be constant if DF is set, since
// it has no meaning then (RFC 6864 4.1); after cutting it counts up.
//
// A group is held back for each of a few flows. A packet that cannot be appended to its flow's group makes that group
// be written first, and a packet of unknown flow makes all groups be written first: no flow is ever reordered.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "shared/base/bytes.h"
#include "wg4netns/offload/virtio_net_header.h"

namespace wg4::offload {

/// Which kinds of super-packet the TUN takes.
struct CoalesceKinds {
  bool tcp4 = false;
  bool tcp6 = false;
  bool udp = false;
};

/// What one write to the TUN consists of: virtio header, packet, further payloads.
using Gather = std::span<const ByteView>;

class Coalescer {
 public:
  static constexpr std::size_t max_pieces = 128;     ///< packets of one gather
  static constexpr std::size_t max_udp_pieces = 64;  ///< the same for UDP: what Linux before 6.9 takes and GRO makes
  static constexpr std::size_t max_flows = 8;        ///< groups that are open at a time
  static constexpr std::size_t max_length = 65535;   ///< of a gather's packet, bytes

  explicit Coalescer(CoalesceKinds kinds) : kinds_(kinds) {}

  /// Adds the next IP packet, which must stay where it is until flush(); the coalescer may change its headers. Calls
  /// `write(Gather)` for packets that cannot be held back; a gather is valid during that call.
  template <class Write>
  void add(ByteSpan bytes, Write&& write) {
    const Packet packet = inspect(bytes);
    if (!packet.has_flow) {
      flush(write);
    } else if (Group* group = find(packet)) {
      if (packet.mergeable && group->joins(packet)) {
        if (group->join(packet)) write(close(*group));
        return;
      }
      write(close(*group));
    }
    if (!packet.mergeable || packet.ends_group) return write(alone(bytes));
    if (is_full()) write(close(next_victim()));
    open(packet);
  }

  /// Writes all packets that are held back.
  template <class Write>
  void flush(Write&& write) {
    while (open_ != 0) write(close(first_open()));
  }

 private:
  struct Packet {
    ByteSpan bytes;
    bool v4 = false;
    bool tcp = false;
    bool has_flow = false;    // TCP or UDP right behind the IP header: else the other members mean nothing
    bool mergeable = false;   // could be part of a group
    bool ends_group = false;  // PSH or FIN: nothing may come behind it
    std::size_t transport = 0;
    std::size_t headers = 0;
    [[nodiscard]] std::size_t payload() const { return bytes.size() - headers; }
  };

  /// Packets to be merged into one.
  class Group {
   public:
    void open(const Packet& packet);
    [[nodiscard]] bool is_of_flow(const Packet& packet) const;
    [[nodiscard]] bool joins(const Packet& packet) const;
    /// Appends `packet`. True when no packet may follow it.
    [[nodiscard]] bool join(const Packet& packet);
    [[nodiscard]] Gather close();

   private:
    [[nodiscard]] bool continues_ip(const Packet& packet) const;
    [[nodiscard]] bool continues_tcp(const Packet& packet) const;
    [[nodiscard]] VirtioNetHeader finish_headers() const;

    Packet first_;                 // its headers are the super-packet's
    std::size_t count_ = 0;        // packets
    std::size_t segment_ = 0;      // payload size of each packet but the last
    std::size_t length_ = 0;       // of the super-packet
    bool same_id_ = false;         // the identification is constant, instead of counting up
    std::uint8_t last_flags_ = 0;  // PSH and FIN of the last TCP segment
    std::array<std::uint8_t, virtio_net_header_size> header_;
    std::array<ByteView, max_pieces + 1> pieces_;
  };

  [[nodiscard]] Packet inspect(ByteSpan bytes) const;
  [[nodiscard]] Group* find(const Packet& packet);
  void open(const Packet& packet);
  [[nodiscard]] Gather close(Group& group);
  [[nodiscard]] Gather alone(ByteView packet);

  [[nodiscard]] bool is_full() const { return open_ == (1U << max_flows) - 1; }
  [[nodiscard]] Group& first_open() { return groups_[static_cast<std::size_t>(std::countr_zero(open_))]; }
  [[nodiscard]] Group& next_victim() { return groups_[victim_++ % max_flows]; }

  CoalesceKinds kinds_;
  std::uint32_t open_ = 0;    // a bit for each of groups_ that holds packets
  std::uint32_t victim_ = 0;  // the group to write when another one is needed
  std::array<Group, max_flows> groups_;
  std::array<ByteView, 2> single_;
};

}  // namespace wg4::offload
