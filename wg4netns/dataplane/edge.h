#pragma once
// The two edges of a tunnel: packets of the namespace inside, datagrams of the network outside. A tunnel takes both as
// types (basic_tunnel.h), so that it calls them directly, and requires no more of them than these concepts say. The
// rest of an edge (descriptors to wait for, a change of the port) is between the edge and its owner.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/net/ip_address.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/peer_id.h"
#include "wg4netns/io/send_failure.h"
#include "wg4netns/io/tun_device.h"
#include "wg4netns/offload/coalesce.h"

namespace wg4 {

/// The packets of a namespace: a TUN (TunQueues). The tunnels of all threads use the same one.
///
///   read(queue, frame)  The next frame of one of its queues, at most 64 of them, with a virtio header in front. It is
///                       put at `frame`, which has TunDevice::max_frame bytes or more. Never waits; `gone` is for good.
///   write(gather)       One frame to the namespace, whose first piece is the virtio header. False if it is refused.
///   offloads()          The work that frames may leave to their reader; always the same.
template <class T>
concept InnerEdge = requires(const T& edge, std::size_t queue, ByteSpan frame, offload::Gather gather) {
  { edge.read(queue, frame) } -> std::same_as<TunDevice::Read>;
  { edge.write(gather) } -> std::same_as<bool>;
  { edge.offloads() } -> std::same_as<TunOffloads>;
};

/// The datagrams of a network: a UDP port (UdpSocket). Each tunnel has its own. Nothing here waits.
///
///   receive(family)     Runs that have come, of one family; none if there are none. The tunnel may change the
///                       bytes that they point at, until the next call.
///   room(bytes)         Space for datagrams: at most max_batch_size bytes, in at most max_batch runs. Valid until the
///                       next room() or flush().
///   push(run)           The next run.size bytes of the last room() are a run to send.
///   flush()             Sends what was pushed, as far as it can be; the rest is kept.
///   backlogged()        Something was kept at the last flush(): the tunnel reads no more of the inner edge until
///                       another flush() has sent it.
///   take_bad_source()   A peer to which nothing could be sent from its Path::local; once none is left, nothing.
///   take_failures()     The failures reported since the last call, of datagrams that did not arrive.
///   counters()          Since the start, in runs: send_errors were refused, overflow found no room.
template <class T>
concept OuterEdge =
    std::movable<T> && requires(T& edge, const T& constant, Family family, std::size_t bytes, const SendRun& run) {
      { edge.receive(family) } -> std::same_as<std::span<const DatagramRun>>;
      { edge.room(bytes) } -> std::same_as<ByteSpan>;
      { edge.push(run) } -> std::same_as<void>;
      { edge.flush() } -> std::same_as<void>;
      { constant.backlogged() } -> std::same_as<bool>;
      { edge.take_bad_source() } -> std::same_as<std::optional<PeerId>>;
      { edge.take_failures() } -> std::same_as<std::vector<SendFailure>>;
      { constant.counters().send_errors } -> std::convertible_to<std::uint64_t>;
      { constant.counters().overflow } -> std::convertible_to<std::uint64_t>;
    };

}  // namespace wg4
