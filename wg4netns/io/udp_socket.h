#pragma once
// The real UDP side: one port, an IPv4 and an IPv6 socket. Receives runs (UDP_GRO) and sends runs (UDP_SEGMENT), so
// that a batch stays a batch; falls back to single datagrams where the kernel or the path does not take a run.
//
// As in the kernel's WireGuard: outer IPv4 is sent without DF, replies leave from the address that the peer sent to
// (IP_PKTINFO), and when that source address is gone, the routing table chooses another.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/net/ip_address.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/peer_id.h"
#include "wg4netns/io/send_failure.h"

namespace wg4 {

/// What the socket of one family is bound to; empty = nothing.
struct UdpBinding {
  std::optional<IpAddress> address;  ///< of that family
  std::string device;                ///< name of an interface, or empty
};

struct UdpOptions {
  std::uint16_t port = 0;  ///< 0 = one that is free for both families
  std::uint32_t fwmark = 0;
  bool segment = true;  ///< let the kernel cut runs into datagrams (UDP_SEGMENT)
  bool gro = true;      ///< let the kernel gather datagrams into runs (UDP_GRO)
  UdpBinding v4;
  UdpBinding v6;
};

class UdpSocket {
 public:
  [[nodiscard]] static Result<UdpSocket> open(const UdpOptions& options);
  /// The same port and sockets for another thread, with buffers of its own.
  [[nodiscard]] Result<UdpSocket> share() const;
  /// Moves to the port of `fresh`, under the same descriptor numbers. Once all threads that share a socket have done
  /// so, the old one is closed, and no event loop watches it any more. Fails, with nothing changed, if `fresh` is not
  /// for the same families. Any thread may call it.
  [[nodiscard]] Result<void> replace_by(const UdpSocket& fresh);
  /// Marks all datagrams from now on, of every thread that shares the socket.
  [[nodiscard]] Result<void> set_fwmark(std::uint32_t fwmark) const;

  [[nodiscard]] int fd(Family family) const { return sockets_[index(family)].get(); }
  [[nodiscard]] bool has(Family family) const { return sockets_[index(family)].valid(); }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] bool segments() const { return segmentation_; }
  [[nodiscard]] bool gathers() const { return gro_; }

  // --- receive

  /// Reads up to receive_batch runs from the socket of `family`; valid until the next call.
  [[nodiscard]] std::span<const DatagramRun> receive(Family family);

  // --- send: room(), push() ..., flush()

  /// Space for `bytes` of datagrams, at most max_batch_size, in at most max_batch runs; valid until the next call.
  [[nodiscard]] ByteSpan room(std::size_t bytes);
  /// Queues the next bytes of the last room(). They are appended to the run before them where both have the same peer
  /// and properties, so that each run but the last is as long as the system allows.
  void push(const SendRun& run);
  /// Sends what was pushed, as far as the sockets take it; the rest stays queued and backlogged() is true.
  void flush();
  /// The sockets are full (back-pressure): push no more until one is writable and flush() was called.
  [[nodiscard]] bool backlogged() const { return backlogged_; }

  /// A peer whose cached source address was refused since the last call; its datagrams were sent without that address.
  [[nodiscard]] std::optional<PeerId> take_bad_source();

  // --- errors of earlier datagrams

  /// Whether the kernel reports ICMP errors: then a socket has EPOLLERR until read_failures(). Each error costs a
  /// system call, so this is on only while a peer does not answer. Applies to all threads that share the port.
  void report_failures(bool wanted) const;
  /// Reads the error queue of the socket of `family`.
  void read_failures(Family family);
  /// The failures since the last call: the latest for each destination, at most max_failures.
  [[nodiscard]] std::vector<SendFailure> take_failures() { return std::exchange(failures_, {}); }

  struct Counters {
    std::uint64_t send_errors = 0;  ///< runs that the system refused
    std::uint64_t overflow = 0;     ///< runs dropped because the queue was full
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  // How many runs to read at once: more would not fit the processor's cache, whose misses cost more than the system
  // call saved; but single datagrams are small, and many should fit.
  static constexpr std::size_t receive_batch = 32;
  static constexpr std::size_t receive_batch_of_runs = 3;
  static constexpr std::size_t receive_buffer_size = 65536;
  static constexpr std::size_t send_buffer_size = 3 * max_batch_size;  // more than one turn sends
  static constexpr std::size_t send_batch = 2 * max_batch;             // runs
  static constexpr std::size_t max_failures = 16;                      // kept; more are forgotten

  struct QueuedRun {
    SendRun run;
    std::size_t offset = 0;
  };
  struct Buffers {
    std::array<std::array<std::uint8_t, receive_buffer_size>, receive_batch> receive;
    std::array<std::uint8_t, send_buffer_size> send;
  };

  UdpSocket() : buffers_(std::make_unique_for_overwrite<Buffers>()) { queue_.reserve(send_batch); }
  [[nodiscard]] static std::size_t index(Family family) { return family == Family::v4 ? 0 : 1; }
  [[nodiscard]] Result<void> open_pair(const UdpOptions& options);
  [[nodiscard]] std::size_t space_behind(const QueuedRun& last, const SendRun& run) const;
  [[nodiscard]] std::size_t send_same_family(std::size_t first);
  void send_refused(QueuedRun& queued, int error);
  [[nodiscard]] int send_one(const QueuedRun& queued, bool with_source, bool as_run);
  [[nodiscard]] int send_singly(const QueuedRun& queued, bool with_source);
  void consume(std::size_t sent);
  void note_failure(const SendFailure& failure);

  std::array<UniqueFd, 2> sockets_;
  std::uint16_t port_ = 0;
  bool segmentation_ = true;
  bool gro_ = false;
  bool backlogged_ = false;
  std::vector<QueuedRun> queue_;
  std::size_t used_ = 0;  // bytes of the send buffer that queue_ refers to
  std::vector<PeerId> bad_sources_;
  std::vector<SendFailure> failures_;
  Counters counters_;
  std::array<DatagramRun, receive_batch> runs_;
  std::size_t receive_places_ = receive_batch_of_runs;
  std::unique_ptr<Buffers> buffers_;
};

}  // namespace wg4
