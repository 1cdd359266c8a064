// Handshake messages, in and out, and the sessions that result from them (whitepaper 5.4, 6.2, 6.4).
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/base/check.h"
#include "shared/net/endpoint.h"
#include "wg4netns/core/device.h"
#include "wg4netns/core/drop_reason.h"
#include "wg4netns/core/evidence.h"
#include "wg4netns/core/index_table.h"
#include "wg4netns/core/keypair.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/messages.h"
#include "wg4netns/core/noise.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/peer.h"
#include "wg4netns/core/peer_id.h"
#include "wg4netns/core/time.h"

namespace wg4 {
namespace {

/// DSCP AF41 without ECN, as the kernel marks handshakes, so that they do not wait in the queues of data.
constexpr std::uint8_t handshake_tos = 0x88;
/// Fewer than this in a row may be due to one message that was lost or late.
constexpr std::uint32_t telling_messages = 3;

}  // namespace

ByteView Device::QueuedHandshake::message() const {
  return std::span(bytes).first(type == MessageType::initiation ? initiation_size : response_size);
}

// ---------------------------------------------------------------- out

/// Starts a handshake. While one is in progress, only its timer sends the next initiation: without the timer's jitter,
/// the initiations of two sides that both have packets to send would cross on a slow path again and again.
void Device::initiate(Peer& peer, Turn& turn) {
  peer.timers.restart_handshake_attempts();
  if (!peer.timers.handshake_pending()) retry_initiation(peer, turn);
}

/// Sends the next initiation, but not within Rekey-Timeout of our last handshake message.
void Device::retry_initiation(Peer& peer, Turn& turn) {
  if (!identity_->present || !peer.path) return;
  if (!peer.initiated_recently(turn.now.boot)) return send_initiation(peer, turn);
  peer.timers.handshake_held_back(*peer.last_sent_handshake, entropy_);
}

void Device::send_initiation(Peer& peer, Turn& turn) {
  release_handshake(peer);
  const std::uint32_t index = index_table_.allocate(entropy_, {peer.id, IndexKind::handshake});
  std::array<std::uint8_t, initiation_size> message{};
  peer.last_sent_handshake = turn.now.boot;
  if (!peer.handshake.create_initiation(*identity_, index, turn.now.wall, entropy_, InitiationSpan{message})) {
    index_table_.remove(index);  // the peer's key is a low-order point: there will never be a session
    return drop(DropReason::handshake_rejected);
  }
  tell_keys(peer);
  peer.cookies.add_macs(message, turn.now.boot);
  peer.timers.any_authenticated_packet_traversal(turn.now.boot);
  peer.timers.any_authenticated_packet_sent();
  send_handshake_message(peer, message, turn);
  ++peer.evidence.initiations;
  peer.evidence.initiation_sent = turn.now.wall;
  peer.timers.handshake_initiated(turn.now.boot, entropy_);
}

void Device::send_response(Peer& peer, Turn& turn) {
  const std::uint32_t index = index_table_.allocate(entropy_, {peer.id, IndexKind::handshake});
  std::array<std::uint8_t, response_size> message{};
  peer.last_sent_handshake = turn.now.boot;
  if (!peer.handshake.create_response(index, entropy_, ResponseSpan{message})) {
    index_table_.remove(index);
    peer.handshake.clear();
    return drop(DropReason::handshake_rejected);
  }
  tell_keys(peer);
  peer.cookies.add_macs(message, turn.now.boot);
  begin_session(peer, turn);
  peer.timers.any_authenticated_packet_traversal(turn.now.boot);
  peer.timers.any_authenticated_packet_sent();
  send_handshake_message(peer, message, turn);
}

void Device::tell_keys(const Peer& peer) {
  if (key_observer_ == nullptr) return;
  key_observer_->handshake_keys(peer.public_key(), peer.handshake.ephemeral(), peer.handshake.preshared_key());
}

void Device::send_cookie_reply(const QueuedHandshake& queued, Turn& turn) {
  const ByteSpan room = turn.out.send_room(cookie_reply_size);
  cookie_checker_.make_reply(queued.message(), queued.path.remote, turn.now.boot, entropy_,
                             room.first<cookie_reply_size>());
  turn.out.send({queued.path, no_peer, 0, cookie_reply_size, cookie_reply_size});
}

void Device::send_handshake_message(Peer& peer, ByteView message, Turn& turn) {
  copy_bytes(turn.out.send_room(message.size()).data(), message);
  peer.tx_bytes += message.size();
  turn.out.send({*peer.path, peer.id, handshake_tos, message.size(), message.size()});
}

// ---------------------------------------------------------------- in

/// Under load, a part of the queue is kept for sources that have proved their address by a cookie, so that a flood with
/// forged addresses cannot fill it; for them only the rate of each address is limited.
void Device::queue_handshake(const Path& path, MessageType type, ByteView message, Turn& turn) {
  const Instant now = turn.now.boot;
  const bool holds_cookie = is_under_load(now) && cookie_checker_.check_mac2(message, path.remote, now, entropy_);
  if (holds_cookie && !rate_limiter_.allow(path.remote.address, now)) return drop(DropReason::rate_limited);
  const std::size_t places = max_queued_handshakes - (holds_cookie ? 0 : cookie_holders_share);
  if (handshake_queue_.size() >= places) return drop(DropReason::handshake_queue_full);
  QueuedHandshake& queued =
      handshake_queue_.emplace_back(QueuedHandshake{.path = path, .type = type, .holds_cookie = holds_cookie});
  std::ranges::copy(message, queued.bytes.begin());
}

bool Device::handshake_work(std::size_t budget, Now now, Output& out) {
  Turn turn{now, out};
  std::size_t credit = budget * refusals_per_handshake;
  while (credit > 0 && !handshake_queue_.empty()) {
    const bool admitted = admit(handshake_queue_.front(), turn);
    const QueuedHandshake queued = handshake_queue_.front();
    handshake_queue_.pop_front();
    if (admitted)
      queued.type == MessageType::initiation ? process_initiation(queued, turn) : process_response(queued, turn);
    credit -= std::min(credit, admitted ? refusals_per_handshake : 1);
  }
  return !handshake_queue_.empty();
}

bool Device::is_under_load(Instant now) {
  if (handshake_queue_.size() >= under_load_queue) last_under_load_ = now;
  return last_under_load_ && now - *last_under_load_ < under_load_memory;
}

/// Under load, only a source that has proved its address costs us curve arithmetic (5.3).
bool Device::admit(const QueuedHandshake& queued, Turn& turn) {
  if (!identity_->present) {
    drop(DropReason::not_configured);
    return false;
  }
  if (queued.holds_cookie || !is_under_load(turn.now.boot)) return true;
  if (!cookie_checker_.check_mac2(queued.message(), queued.path.remote, turn.now.boot, entropy_)) {
    drop(DropReason::needs_cookie);
    send_cookie_reply(queued, turn);
    return false;
  }
  if (!rate_limiter_.allow(queued.path.remote.address, turn.now.boot)) {
    drop(DropReason::rate_limited);
    return false;
  }
  return true;
}

void Device::process_initiation(const QueuedHandshake& queued, Turn& turn) {
  const InitiationView message{queued.bytes};
  const auto opened = open_initiation(*identity_, message);
  Peer* peer = opened ? find_peer(opened->remote_static) : nullptr;
  if (peer == nullptr) {
    if (opened)
      recent_rejections_.add(
          {RejectedDatagram::Kind::unknown_key, queued.path.remote, turn.now.boot, opened->remote_static});
    return drop(DropReason::handshake_rejected);
  }

  const auto superseded = peer->handshake.local_index();
  switch (peer->handshake.consume_initiation(*identity_, *opened, message, turn.now.boot)) {
    case Handshake::Verdict::rejected:
      return drop(DropReason::handshake_rejected);
    case Handshake::Verdict::replayed:
      return drop(DropReason::handshake_replayed);
    case Handshake::Verdict::stale:
      peer->evidence.stale_initiations.add(turn.now.boot);
      if (peer->evidence.stale_initiations.count >= telling_messages) turn.out.event({EventKind::evidence, peer->id});
      return drop(DropReason::handshake_replayed);
    case Handshake::Verdict::flood:
      return drop(DropReason::handshake_flood);
    case Handshake::Verdict::accepted:
      break;
  }
  if (superseded) index_table_.remove(*superseded);
  note_initiator(*peer, queued.path.remote, turn);
  handshake_received(*peer, queued, turn);
  send_response(*peer, turn);
  reschedule(*peer);
}

/// Updates the evidence after an initiation was accepted.
void Device::note_initiator(Peer& peer, const Endpoint& from, Turn& turn) {
  PeerEvidence& evidence = peer.evidence;
  evidence.stale_initiations = {};
  if (const auto theirs = wall_time(peer.handshake.latest_timestamp())) evidence.clock_ahead = *theirs - turn.now.wall;
  const bool flapped = evidence.initiators.add(from, turn.now.boot);
  const bool unconfirmed = ++evidence.unconfirmed_responses >= telling_messages;
  if (flapped || unconfirmed) turn.out.event({EventKind::evidence, peer.id});
}

void Device::process_response(const QueuedHandshake& queued, Turn& turn) {
  const ResponseView message{std::span<const std::uint8_t, response_size>(queued.bytes.data(), response_size)};
  const auto index = load_le<std::uint32_t>(message.receiver().data());
  const IndexTable::Entry* entry = index_table_.find(index);
  if (entry == nullptr || entry->kind != IndexKind::handshake) return drop(DropReason::unknown_index);
  Peer& peer = *peers_[entry->peer];
  if (!peer.handshake.consume_response(*identity_, message)) {
    peer.evidence.bad_responses.add(turn.now.boot);
    return drop(DropReason::handshake_rejected);
  }

  peer.evidence.initiation_answered = peer.evidence.initiation_sent;
  handshake_received(peer, queued, turn);
  begin_session(peer, turn);
  handshake_complete(peer, turn);
  // The responder may not use the session until it has received a packet of it, so we send one at once.
  send_keepalive(peer, turn);
  reschedule(peer);
}

void Device::process_cookie_reply(ByteView message, Turn& turn) {
  const auto index = load_le<std::uint32_t>(message.subspan<4, 4>().data());
  const IndexTable::Entry* entry = index_table_.find(index);
  if (entry == nullptr) return drop(DropReason::unknown_index);
  // The cookie is used in the next retransmission. A cookie reply changes nothing else; above all not the endpoint.
  Peer& peer = *peers_[entry->peer];
  if (!peer.cookies.consume_reply(message, turn.now.boot)) return drop(DropReason::bad_cookie_reply);
  peer.evidence.cookie_replies.add(turn.now.boot);
}

/// An initiation or response was authentic. As with data, this comes before any packet is sent because of it: the
/// message that began a session cannot have answered the first packet of that session.
void Device::handshake_received(Peer& peer, const QueuedHandshake& queued, Turn& turn) {
  move_path(peer, queued.path, turn);
  peer.rx_bytes += queued.message().size();
  peer.timers.any_authenticated_packet_received();
  peer.timers.any_authenticated_packet_traversal(turn.now.boot);
}

// ---------------------------------------------------------------- sessions

void Device::begin_session(Peer& peer, Turn& turn) {
  auto keys = peer.handshake.begin_session();
  CHECK(keys.has_value());
  index_table_.replace(keys->local_index, {peer.id, IndexKind::keypair});
  peer.timers.session_derived(turn.now.boot, entropy_);
  retire(peer.keypairs.add(make_pmr<Keypair>(secrets_, std::move(*keys), turn.now.boot)));
}

void Device::handshake_complete(Peer& peer, Turn& turn) {
  peer.timers.handshake_complete();
  peer.last_handshake = turn.now.wall;
  peer.evidence.reset_attempts();
  turn.out.event({EventKind::handshake_completed, peer.id});
}

/// Roaming: replies go to where the last authenticated datagram came from.
void Device::move_path(Peer& peer, const Path& path, Turn& turn) {
  if (peer.path == path) return;
  const bool moved = !peer.path || peer.path->remote != path.remote;
  peer.path = path;
  if (moved) turn.out.event({EventKind::roamed, peer.id});
}

/// 6.2: the sender rekeys when its session has grown old in packets, or in time if it was the initiator.
void Device::keep_fresh_sending(Peer& peer, Turn& turn) {
  const Keypair* keypair = peer.keypairs.current();
  if (keypair == nullptr || !keypair->sending) return;
  if (keypair->send_counter > rekey_after_messages ||
      (keypair->initiator && keypair->age(turn.now.boot) >= rekey_after_time))
    initiate(peer, turn);
}

/// 6.2: a receiver that was the initiator rekeys in time before the session ends, even if it has nothing to send.
void Device::keep_fresh_receiving(Peer& peer, Turn& turn) {
  const Keypair* keypair = peer.keypairs.current();
  constexpr Duration last_minute = reject_after_time - keepalive_timeout - rekey_timeout;
  if (keypair == nullptr || !keypair->sending || !keypair->initiator) return;
  if (keypair->age(turn.now.boot) >= last_minute && peer.timers.take_lastminute_handshake()) initiate(peer, turn);
}

/// Drops a handshake in progress together with its index.
void Device::release_handshake(Peer& peer) {
  if (const auto index = peer.handshake.local_index()) index_table_.remove(*index);
  peer.handshake.clear();
}

/// After sessions ended: removes their indices from the table, and has the cipher forget their keys.
void Device::retire(const RetiredIndices& indices) {
  for (const std::uint32_t index : indices.all()) index_table_.remove(index);
  if (!indices.all().empty()) aead_.forget_keys();
}

}  // namespace wg4
