#pragma once
// The WireGuard interface as a value: bytes and time in, bytes and events out. This is the only interface that the
// edges use; it has no descriptor, no clock, no thread and no randomness of its own.
//
//   device.cc            the data path, in the order of a packet
//   device_handshake.cc  handshake messages, in and out
//   device_timers.cc     what happens when time passes
//   device_control.cc    configuration and status

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory_resource>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/keys.h"
#include "shared/base/result.h"
#include "shared/net/endpoint.h"
#include "shared/net/prefix.h"
#include "wg4netns/core/allowed_ips.h"
#include "wg4netns/core/batch_sizes.h"
#include "wg4netns/core/control.h"
#include "wg4netns/core/cookie.h"
#include "wg4netns/core/data_batch.h"
#include "wg4netns/core/drop_reason.h"
#include "wg4netns/core/entropy.h"
#include "wg4netns/core/evidence.h"
#include "wg4netns/core/index_table.h"
#include "wg4netns/core/inner_packet.h"
#include "wg4netns/core/key_observer.h"
#include "wg4netns/core/keypair.h"
#include "wg4netns/core/messages.h"
#include "wg4netns/core/noise.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/peer.h"
#include "wg4netns/core/peer_id.h"
#include "wg4netns/core/rate_limiter.h"
#include "wg4netns/core/time.h"
#include "wg4netns/core/timer_queue.h"
#include "wg4netns/crypto/aead.h"

namespace wg4 {

class Device {
 public:
  /// Everything is injected. Objects that hold keys live in `secrets`.
  Device(crypto::Aead& aead, Entropy& entropy, std::pmr::memory_resource& secrets);
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  ~Device() = default;

  /// For one step of a DataPath: nobody else uses this device. SharedDevice::hold() waits for its turn.
  [[nodiscard]] Device* hold() { return this; }

  /// To be called before the private key is set. The observer must live as long as it is set.
  void set_key_observer(KeyObserver* observer) { key_observer_ = observer; }

  // --- control plane

  /// Applies a change, peers in order; fails at max_peers, and then the peers before that stay applied. listen_port and
  /// fwmark belong to the socket: the caller applies those.
  [[nodiscard]] Result<void> apply(const DeviceChange& change, Now now, Output& out);
  [[nodiscard]] DeviceStatus status() const;
  /// The status in pieces, for a caller that must not work on all of it at once: the next peer, with at most `most`
  /// allowed IPs; if it has more, they are in the next piece. Nothing at the end. A change between two calls shows only
  /// in the pieces that come after it.
  [[nodiscard]] std::optional<StatusPiece> next_status(StatusCursor& cursor, std::size_t most) const;
  [[nodiscard]] const StaticIdentity& identity() const { return *identity_; }
  /// The TUN's MTU in bytes: padding never makes an inner packet longer than this.
  void set_mtu(std::size_t mtu) { mtu_ = mtu; }
  /// As after `ip link set up`: sends to the peers that have a persistent keepalive.
  void bring_up(Now now, Output& out);
  /// Sending to this peer failed because its cached source address is gone: the routing table chooses from now on.
  void forget_source(PeerId id);

  // --- data path

  /// What the packets of one outbound() call have in common.
  enum class Flow : std::uint8_t {
    one,    ///< one super-packet of the TUN: same destination, same TOS, one look-up
    mixed,  ///< each is looked up; neighbours for the same peer are sealed together
  };
  /// Inner packets, at least one; the first piece of each (for Flow::one: of the first) holds its whole IP header.
  /// Packets of a peer with a session go into `batch`, with room from `out`; others are staged while a handshake runs,
  /// or dropped with a reason. Returns how many were handled, at least one: call it again with the rest, after
  /// batch.finish().
  [[nodiscard]] std::size_t outbound(std::span<const crypto::Plaintext> packets, Flow flow, Now now, Output& out,
                                     SealBatch& batch);
  /// Takes datagrams until `batch` is full or nothing is left. Handshake messages with a valid mac1 are queued for
  /// handshake_work(); data of known sessions waits in `batch` for open(), and then for accept().
  void inbound(RunCursor& cursor, Now now, Output& out, OpenBatch& batch);
  /// Applies the packets that the cipher found authentic: replay window, endpoint, timers. batch.packets() are then
  /// those for the TUN.
  void accept(OpenBatch& batch, Now now, Output& out);
  /// Processes queued handshake messages, at most `budget` of those that need curve arithmetic; true when more are
  /// queued.
  bool handshake_work(std::size_t budget, Now now, Output& out);
  [[nodiscard]] bool has_handshake_work() const { return !handshake_queue_.empty(); }

  // --- time

  /// Runs every timer that is due.
  void expire(Now now, Output& out);
  /// When to call expire() next; may be earlier than needed, never later.
  [[nodiscard]] std::optional<Instant> next_deadline() const { return timer_queue_.next(); }

  // --- what happened

  [[nodiscard]] const DropCounters& drops() const { return drops_; }
  /// Packets that wait for a session, and handshake messages that wait for handshake_work().
  struct QueueDepths {
    std::size_t staged_packets = 0;
    std::size_t handshakes = 0;
  };
  [[nodiscard]] QueueDepths queue_depths() const;
  /// Batches of transport data, out and in.
  [[nodiscard]] const BatchSizes& sealed_batches() const { return sealed_batches_; }
  [[nodiscard]] const BatchSizes& opened_batches() const { return opened_batches_; }
  /// The peer of an Event; null when it is gone.
  [[nodiscard]] const Peer* peer(PeerId id) const { return id < peers_.size() ? peers_[id].get() : nullptr; }
  [[nodiscard]] const RecentRejections& recent_rejections() const { return recent_rejections_; }
  /// All zero without a private key.
  [[nodiscard]] const PublicKey& public_key() const { return identity_->public_key; }
  [[nodiscard]] std::size_t peer_count() const { return ids_by_key_.size(); }
  /// One more than the highest PeerId.
  [[nodiscard]] PeerId peer_id_end() const { return static_cast<PeerId>(peers_.size()); }
  /// At most `most` of a peer's prefixes, as AllowedIps::entries().
  [[nodiscard]] std::vector<Prefix> allowed_ips(PeerId id, std::size_t most) const {
    return allowed_ips_.entries(id, 0, most);
  }

 private:
  friend struct DeviceProbe;  // tests look inside

  /// One call from the edge: its time, and where its output goes.
  struct Turn {
    Now now;
    Output& out;
  };
  struct QueuedHandshake {
    Path path;
    MessageType type = MessageType::initiation;  // or response
    bool holds_cookie = false;                   // it came under load, with a valid mac2, within its source's rate
    std::array<std::uint8_t, initiation_size> bytes{};  // the longer of the two; a response uses the front
    [[nodiscard]] ByteView message() const;
  };
  using PeerPtr = PmrPtr<Peer>;
  using Plaintexts = std::span<const crypto::Plaintext>;

  // device.cc
  /// Where an inner packet goes: a peer, or null and why not.
  struct Destination {
    Peer* peer = nullptr;
    Ecn ecn = Ecn::not_ect;
    DropReason drop_reason{};
    friend bool operator==(const Destination&, const Destination&) = default;
  };
  [[nodiscard]] Destination route(const crypto::Plaintext& packet) const;
  std::size_t prepare(Peer& peer, Keypair& keypair, Plaintexts packets, Ecn ecn, Turn& turn, SealBatch& batch);
  void seal_now(Peer& peer, Keypair& keypair, Plaintexts packets, Ecn ecn, Turn& turn);
  void stage(Peer& peer, Plaintexts packets, Ecn ecn);
  void send_staged(Peer& peer, Turn& turn);
  void send_keepalive(Peer& peer, Turn& turn);
  [[nodiscard]] std::size_t padding(std::size_t length) const;
  [[nodiscard]] std::size_t sealed_size(const crypto::Plaintext& packet) const;
  void add_data(const DatagramRun& run, ByteSpan datagram, Now now, OpenBatch& batch);
  [[nodiscard]] Keypair* find_keypair(std::uint32_t index);
  void accept_group(const OpenBatch::Group& group, std::span<const crypto::OpenJob> jobs, OpenBatch& batch, Turn& turn);
  [[nodiscard]] bool accept_inner(const Peer& peer, ByteSpan plaintext, Ecn outer, ByteSpan& inner);
  void note_packet(Peer& peer, bool data, Turn& turn);
  void authenticated(Peer& peer, Keypair& keypair, const Path& path, bool data, Turn& turn);
  void drop(DropReason reason, std::size_t packets = 1) { drops_.add(reason, packets); }
  void receive_handshake(const Path& path, MessageType type, ByteView message, Turn& turn);

  // device_handshake.cc
  void initiate(Peer& peer, Turn& turn);
  void retry_initiation(Peer& peer, Turn& turn);
  void send_initiation(Peer& peer, Turn& turn);
  void send_response(Peer& peer, Turn& turn);
  void send_cookie_reply(const QueuedHandshake& queued, Turn& turn);
  void send_handshake_message(Peer& peer, ByteView message, Turn& turn);
  void tell_keys(const Peer& peer);
  void queue_handshake(const Path& path, MessageType type, ByteView message, Turn& turn);
  [[nodiscard]] bool admit(const QueuedHandshake& queued, Turn& turn);
  void process_initiation(const QueuedHandshake& queued, Turn& turn);
  void note_initiator(Peer& peer, const Endpoint& from, Turn& turn);
  void process_response(const QueuedHandshake& queued, Turn& turn);
  void process_cookie_reply(ByteView message, Turn& turn);
  [[nodiscard]] bool is_under_load(Instant now);
  void handshake_received(Peer& peer, const QueuedHandshake& queued, Turn& turn);
  void begin_session(Peer& peer, Turn& turn);
  void handshake_complete(Peer& peer, Turn& turn);
  void move_path(Peer& peer, const Path& path, Turn& turn);
  void keep_fresh_sending(Peer& peer, Turn& turn);
  void keep_fresh_receiving(Peer& peer, Turn& turn);
  void release_handshake(Peer& peer);
  void retire(const RetiredIndices& indices);

  // device_timers.cc
  void expire_peer(Peer& peer, Turn& turn);
  void expire_retransmit(Peer& peer, Turn& turn);
  void note_silence(Peer& peer, Turn& turn);
  void reschedule(Peer& peer);
  void forget_session_keys(Peer& peer);
  void purge_staged(Peer& peer);

  // device_control.cc
  void set_identity(const PrivateKey& key);
  [[nodiscard]] Result<Peer*> find_or_add(const PeerChange& change);
  [[nodiscard]] Result<void> apply_peer(const PeerChange& change, Turn& turn);
  void remove_peer(Peer& peer);
  [[nodiscard]] Peer* find_peer(const PublicKey& key);
  [[nodiscard]] PeerStatus status_of(const Peer& peer, std::size_t first, std::size_t most) const;

  struct KeyHash {
    std::size_t operator()(const PublicKey& key) const { return load_le<std::uint64_t>(key.data()); }
  };

  crypto::Aead& aead_;
  Entropy& entropy_;
  std::pmr::memory_resource& secrets_;
  PmrPtr<StaticIdentity> identity_;
  KeyObserver* key_observer_ = nullptr;
  CookieChecker cookie_checker_;
  RateLimiter rate_limiter_;
  std::vector<PeerPtr> peers_;  // by PeerId; null where a peer was removed
  std::vector<PeerId> free_ids_;
  std::unordered_map<PublicKey, PeerId, KeyHash> ids_by_key_;
  AllowedIps allowed_ips_;
  IndexTable index_table_;
  TimerQueue timer_queue_;
  DropCounters drops_;
  RecentRejections recent_rejections_;
  BatchSizes sealed_batches_;
  BatchSizes opened_batches_;
  std::size_t mtu_ = 1420;
  bool up_ = false;
  std::deque<QueuedHandshake> handshake_queue_;
  std::optional<Instant> last_under_load_;

  SealBatch own_batch_;  // for packets that the device sends by itself: staged packets, keepalives
};

}  // namespace wg4
