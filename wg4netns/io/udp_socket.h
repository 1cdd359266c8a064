#pragma once
// The real UDP side: one port, an IPv4 and an IPv6 socket. Receives runs (UDP_GRO) and sends runs (UDP_SEGMENT), so
// that a batch stays a batch; falls back to single datagrams where the kernel or the path does not take a run.
//
// As the kernel's WireGuard: outer IPv4 goes without DF, replies leave from the address that was talked to
// (IP_PKTINFO), and a source address that has gone away is dropped, not insisted on.

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

/// Where the socket of one family is bound: nothing = anywhere.
struct UdpBinding {
  std::optional<IpAddress> address;  ///< of that family
  std::string device;                ///< name of an interface
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
  /// The same port for another thread, with buffers of its own.
  [[nodiscard]] Result<UdpSocket> share() const;
  /// Another port under the same descriptor numbers. Once all that share a socket have done so, the old one is gone,
  /// and no loop watches it any more. Fails, with nothing changed, if `fresh` is not for the same families. Any thread
  /// may call it.
  [[nodiscard]] Result<void> replace_by(const UdpSocket& fresh);
  /// Of what is sent from now on, by all that share the socket.
  [[nodiscard]] Result<void> set_fwmark(std::uint32_t fwmark) const;

  [[nodiscard]] int fd(Family family) const { return sockets_[index(family)].get(); }
  [[nodiscard]] bool has(Family family) const { return sockets_[index(family)].valid(); }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] bool segments() const { return segmentation_; }
  [[nodiscard]] bool gathers() const { return gro_; }

  // --- receive

  /// Up to receive_batch runs that wait on the socket of `family`; valid until the next call.
  [[nodiscard]] std::span<const DatagramRun> receive(Family family);

  // --- send: room(), push() ..., flush()

  /// Space for `bytes` of datagrams, at most max_batch_size, in at most max_batch runs; valid until the next call.
  [[nodiscard]] ByteSpan room(std::size_t bytes);
  /// What comes next in the last room() is to be sent. Goes on with the run before it where both are of one kind, so
  /// that each but the last is as long as the system takes it.
  void push(const SendRun& run);
  /// Sends what was pushed, as far as the sockets take it; the rest stays and backlogged() is true.
  void flush();
  /// The sockets are full: no more should be pushed until one is writable and flush() was called.
  [[nodiscard]] bool backlogged() const { return backlogged_; }

  /// A peer whose cached source address was refused since the last call; the datagrams went out without it.
  [[nodiscard]] std::optional<PeerId> take_bad_source();

  // --- what became of datagrams

  /// Whether the kernel tells of ICMP errors: then a socket has EPOLLERR until read_failures(). It costs a system call
  /// for each error, so it is for when somebody asks why there is no answer. For all that share the port.
  void report_failures(bool wanted) const;
  /// Takes what the socket of `family` has to tell.
  void read_failures(Family family);
  /// Since the last call, the newest of each destination, at most max_failures.
  [[nodiscard]] std::vector<SendFailure> take_failures() { return std::exchange(failures_, {}); }

  struct Counters {
    std::uint64_t send_errors = 0;  ///< runs that the system refused
    std::uint64_t overflow = 0;     ///< runs that found no room
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  // Few runs fill a processor's cache, and what has left it costs more than the system call that was saved; datagrams
  // that come one by one are small, and want many places.
  static constexpr std::size_t receive_batch = 32;
  static constexpr std::size_t receive_batch_of_runs = 3;
  static constexpr std::size_t receive_buffer_size = 65536;
  static constexpr std::size_t send_buffer_size = 3 * max_batch_size;  // more than a turn sends
  static constexpr std::size_t send_batch = 2 * max_batch;             // runs
  static constexpr std::size_t max_failures = 16;                      // kept; others are forgotten

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
