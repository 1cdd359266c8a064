// The data path. Outbound: look-up, counters, seal, send. Inbound: classify, look-up, open, replay window, and only
// then what an attacker must not be able to change: endpoint, timers, sessions, the TUN.
#include "wg4netns/core/device.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/base/check.h"
#include "wg4netns/core/keypair.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/messages.h"
#include "wg4netns/core/noise.h"
#include "wg4netns/core/peer_id.h"

namespace wg4 {
namespace {

ByteView first_piece(const crypto::Plaintext& packet) { return packet.head.empty() ? packet.body : packet.head; }

}  // namespace

Device::Device(crypto::Aead& aead, Entropy& entropy, std::pmr::memory_resource& secrets)
    : aead_(aead),
      entropy_(entropy),
      secrets_(secrets),
      identity_(make_pmr<StaticIdentity>(secrets)),
      rate_limiter_(entropy),
      own_batch_(secrets) {}

// ---------------------------------------------------------------- outbound: TUN -> UDP

std::size_t Device::outbound(Plaintexts packets, Flow flow, Now now, Output& out, SealBatch& batch) {
  CHECK(!packets.empty());
  Turn turn{now, out};
  const Destination to = route(packets[0]);
  std::size_t count = flow == Flow::one ? packets.size() : 1;
  while (count < packets.size() && route(packets[count]) == to) ++count;
  if (to.peer == nullptr) {
    drop(to.drop_reason, count);
    return count;
  }
  Peer& peer = *to.peer;
  Keypair* keypair = peer.keypairs.current();
  if (keypair != nullptr && peer.staged.empty() && keypair->may_send(now.boot)) {
    count = prepare(peer, *keypair, packets.first(count), to.ecn, turn, batch);
  } else {
    stage(peer, packets.first(count), to.ecn);
    send_staged(peer, turn);
  }
  reschedule(peer);
  return count;
}

/// Cryptokey routing on the way out.
Device::Destination Device::route(const crypto::Plaintext& packet) const {
  const auto inner = InnerPacket::parse(first_piece(packet), packet.size());
  if (!inner) return {.drop_reason = DropReason::outbound_malformed};
  const PeerId id =
      inner->is_v4() ? allowed_ips_.find_v4(inner->destination()) : allowed_ips_.find_v6(inner->destination());
  if (id == no_peer) return {.drop_reason = DropReason::no_route};
  Peer* peer = peers_[id].get();
  if (!peer->path) return {.drop_reason = DropReason::no_endpoint};
  return {.peer = peer, .ecn = encapsulate_ecn(inner->ecn())};
}

/// Takes counters for as many packets as go into one batch, and sets the timers. Returns how many packets were handled,
/// at least one: if the first one is too big for a datagram, it is dropped.
std::size_t Device::prepare(Peer& peer, Keypair& keypair, Plaintexts packets, Ecn ecn, Turn& turn, SealBatch& batch) {
  if (sealed_size(packets[0]) > max_datagram_size) {
    drop(DropReason::packet_too_big);
    return 1;
  }
  const std::size_t most =
      std::min<std::uint64_t>(std::min(max_batch, packets.size()), reject_after_messages - keypair.send_counter);
  std::size_t count = 0;
  std::size_t total = 0;
  for (; count < most; ++count) {
    const std::size_t size = sealed_size(packets[count]);
    if (size > max_datagram_size || total + size > max_batch_size) break;
    total += size;
  }
  packets = packets.first(count);

  const std::uint64_t first_counter = std::exchange(keypair.send_counter, keypair.send_counter + count);
  peer.tx_bytes += total;
  peer.timers.any_authenticated_packet_traversal(turn.now.boot);
  peer.timers.any_authenticated_packet_sent();
  if (std::ranges::any_of(packets, [](const auto& packet) { return packet.size() > 0; }))
    peer.timers.data_sent(turn.now.boot);
  keep_fresh_sending(peer, turn);

  const ByteSpan room = turn.out.send_room(total);
  std::uint8_t* at = room.data();
  for (std::size_t i = 0; i < count; ++i) {
    const DataHeaderSpan header{std::span<std::uint8_t, data_header_size>(at, data_header_size)};
    store_le(header.type().data(), static_cast<std::uint32_t>(MessageType::data));
    store_le(header.receiver().data(), keypair.remote_index);
    store_le(header.counter().data(), first_counter + i);
    const std::size_t filling = padding(packets[i].size());
    batch.jobs_[i] = {packets[i], filling, at + data_header_size, first_counter + i};
    at += data_overhead + packets[i].size() + filling;
  }
  sealed_batches_.add(count);
  batch.count_ = count;
  batch.key_->assign(keypair.send_key.span());
  batch.run_ = {*peer.path, peer.id, static_cast<std::uint8_t>(ecn), 0, 0};
  return count;
}

/// Whitepaper 5.4.6 pads to a multiple of 16; like the kernel, never beyond the MTU.
std::size_t Device::padding(std::size_t length) const {
  const std::size_t last_unit = length > mtu_ && mtu_ > 0 ? length % mtu_ : length;
  const std::size_t rounded = (last_unit + padding_multiple - 1) / padding_multiple * padding_multiple;
  return std::max(std::min(rounded, mtu_), last_unit) - last_unit;
}

std::size_t Device::sealed_size(const crypto::Plaintext& packet) const {
  return data_overhead + packet.size() + padding(packet.size());
}

void Device::stage(Peer& peer, Plaintexts packets, Ecn ecn) {
  for (const crypto::Plaintext& packet : packets)
    if (const std::size_t dropped = peer.staged.push(packet, static_cast<std::uint8_t>(ecn)); dropped > 0)
      drop(DropReason::staged_overflow, dropped);
}

/// Sends the staged packets, or starts a handshake if there is no session for them.
void Device::send_staged(Peer& peer, Turn& turn) {
  if (peer.staged.empty()) return;
  Keypair* keypair = peer.keypairs.current();
  if (keypair == nullptr || !keypair->may_send(turn.now.boot)) {
    if (keypair != nullptr) keypair->sending = false;
    return initiate(peer, turn);
  }
  const auto staged = peer.staged.take_all();
  for (auto packet = staged.begin(); packet != staged.end();) {
    const auto end = std::find_if(packet, staged.end(), [&](const auto& other) { return other.ecn != packet->ecn; });
    std::vector<crypto::Plaintext> group;
    std::transform(packet, end, std::back_inserter(group),
                   [](const auto& each) { return crypto::Plaintext{.head = {}, .body = each.bytes}; });
    seal_now(peer, *keypair, group, static_cast<Ecn>(packet->ecn), turn);
    packet = end;
  }
}

/// Prepares, seals and sends in one step.
void Device::seal_now(Peer& peer, Keypair& keypair, Plaintexts packets, Ecn ecn, Turn& turn) {
  while (!packets.empty() && keypair.may_send(turn.now.boot)) {
    packets = packets.subspan(prepare(peer, keypair, packets, ecn, turn, own_batch_));
    own_batch_.finish(aead_, turn.out);
  }
  if (!packets.empty()) stage(peer, packets, ecn);  // the key has used up its counters
}

/// Sends an empty packet, after those that are staged.
void Device::send_keepalive(Peer& peer, Turn& turn) {
  if (peer.staged.empty()) stage(peer, std::array{crypto::Plaintext{}}, Ecn::not_ect);
  send_staged(peer, turn);
}

// ---------------------------------------------------------------- inbound: UDP -> TUN

void Device::inbound(RunCursor& cursor, Now now, Output& out, OpenBatch& batch) {
  Turn turn{now, out};
  batch.clear();
  for (; !cursor.done() && !batch.is_full(); cursor.advance()) {
    CHECK(cursor.run().segment_size > 0);
    const ByteSpan datagram = cursor.datagram();
    const auto type = classify(datagram);
    if (!type) {
      drop(DropReason::malformed_message);
    } else if (*type == MessageType::data) {
      add_data(cursor.run(), datagram, turn.now, batch);
    } else {
      receive_handshake(cursor.run().path, *type, datagram, turn);
    }
  }
}

/// Adds a datagram to its session's group in the batch.
void Device::add_data(const DatagramRun& run, ByteSpan datagram, Now now, OpenBatch& batch) {
  const DataHeaderView header{datagram.first<data_header_size>()};
  const auto index = load_le<std::uint32_t>(header.receiver().data());
  const auto counter = load_le<std::uint64_t>(header.counter().data());
  if (counter >= reject_after_messages) return drop(DropReason::counter_limit);

  const auto ecn = static_cast<Ecn>(run.tos & 3U);
  const auto joins = [&](const OpenBatch::Group& last) {
    return last.count < max_batch && last.index == index && last.ecn == ecn &&
           (last.run == &run || last.run->path == run.path);
  };
  if (batch.group_count_ == 0 || !joins(batch.groups_[batch.group_count_ - 1])) {
    const Keypair* keypair = find_keypair(index);
    if (keypair == nullptr) {
      recent_rejections_.add({RejectedDatagram::Kind::foreign_session, run.path.remote, now.boot, {}});
      return drop(DropReason::unknown_index);
    }
    if (!keypair->may_receive(now.boot)) return drop(DropReason::expired_key);
    (*batch.keys_)[batch.group_count_].assign(keypair->receive_key.span());
    batch.groups_[batch.group_count_++] = {index, &run, ecn, 0};
  }
  ++batch.groups_[batch.group_count_ - 1].count;
  batch.jobs_[batch.job_count_++] = {datagram.subspan(data_header_size), counter};
}

Keypair* Device::find_keypair(std::uint32_t index) {
  const IndexTable::Entry* entry = index_table_.find(index);
  const bool is_session = entry != nullptr && entry->kind == IndexKind::keypair;
  return is_session ? peers_[entry->peer]->keypairs.find(index) : nullptr;
}

void Device::accept(OpenBatch& batch, Now now, Output& out) {
  Turn turn{now, out};
  if (batch.job_count_ > 0) opened_batches_.add(batch.job_count_);
  auto jobs = std::span(batch.jobs_).first(batch.job_count_);
  for (const OpenBatch::Group& group : std::span(batch.groups_).first(batch.group_count_)) {
    accept_group(group, jobs.first(group.count), batch, turn);
    jobs = jobs.subspan(group.count);
  }
}

void Device::accept_group(const OpenBatch::Group& group, std::span<const crypto::OpenJob> jobs, OpenBatch& batch,
                          Turn& turn) {
  // The session may have ended while the cipher worked.
  Keypair* keypair = find_keypair(group.index);
  if (keypair == nullptr) return drop(DropReason::unknown_index, jobs.size());
  Peer& peer = *peers_[index_table_.find(group.index)->peer];
  bool any = false;   // a packet was authentic and not a replay
  bool data = false;  // ... and not a keepalive
  for (const crypto::OpenJob& job : jobs) {
    if (!job.authentic) {
      drop(DropReason::bad_tag);
      continue;
    }
    if (!keypair->received.accept(job.counter)) {
      drop(DropReason::replayed_counter);
      continue;
    }
    any = true;
    peer.rx_bytes += data_header_size + job.data.size();
    const ByteSpan plaintext = job.data.first(job.data.size() - tag_size);
    if (plaintext.empty()) continue;  // a keepalive
    data = true;
    if (accept_inner(peer, plaintext, group.ecn, batch.packets_[batch.packet_count_])) ++batch.packet_count_;
  }
  if (any) authenticated(peer, *keypair, group.run->path, data, turn);
  reschedule(peer);
}

/// Cryptokey routing on the way in: if the plaintext is a packet that this peer may send, `inner` becomes it, without
/// padding.
bool Device::accept_inner(const Peer& peer, ByteSpan plaintext, Ecn outer, ByteSpan& inner) {
  const auto packet = InnerPacket::parse(plaintext, plaintext.size());
  if (!packet) {
    drop(DropReason::inner_malformed);
    return false;
  }
  const PeerId owner =
      packet->is_v4() ? allowed_ips_.find_v4(packet->source()) : allowed_ips_.find_v6(packet->source());
  if (owner != peer.id) {
    drop(DropReason::inner_source);
    return false;
  }
  decapsulate_ecn(outer, plaintext);
  inner = plaintext.first(packet->length());
  return true;
}

/// The datagram is authentic: it may change the peer's endpoint, session and timers. That comes before any packet is
/// sent because of it, since the datagram cannot have answered that packet.
void Device::authenticated(Peer& peer, Keypair& keypair, const Path& path, bool data, Turn& turn) {
  move_path(peer, path, turn);
  note_packet(peer, data, turn);
  peer.timers.any_authenticated_packet_received();
  peer.timers.any_authenticated_packet_traversal(turn.now.boot);
  if (data) peer.timers.data_received(turn.now.boot);
  RetiredIndices retired;
  if (peer.keypairs.confirm(keypair, retired)) {
    retire(retired);
    handshake_complete(peer, turn);
    send_staged(peer, turn);
  }
  keep_fresh_receiving(peer, turn);
}

/// Counts a packet of this session as evidence, and whether it held data.
void Device::note_packet(Peer& peer, bool data, Turn& turn) {
  PeerEvidence& evidence = peer.evidence;
  const bool was_silent = std::exchange(evidence.silences, 0) > 0;
  bool tells = was_silent;
  if (data) {
    evidence.data_came = true;
    tells |= std::exchange(evidence.bare_keepalives, 0) > 0;
  } else if (!evidence.data_came && peer.timers.awaits_reply() &&
             evidence.bare_keepalives < PeerEvidence::telling_keepalives) {
    tells |= ++evidence.bare_keepalives == PeerEvidence::telling_keepalives;
  }
  if (tells) turn.out.event({EventKind::evidence, peer.id});
}

/// Only a message whose sender knows our public key (mac1) may wait for curve arithmetic. A cookie reply has no mac1
/// and is never queued: if its index is unknown, it is dropped at once.
void Device::receive_handshake(const Path& path, MessageType type, ByteView message, Turn& turn) {
  if (!identity_->present) return drop(DropReason::not_configured);
  if (type == MessageType::cookie_reply) return process_cookie_reply(message, turn);
  if (!cookie_checker_.check_mac1(message)) {
    if (type == MessageType::initiation)
      recent_rejections_.add({RejectedDatagram::Kind::other_recipient, path.remote, turn.now.boot, {}});
    return drop(DropReason::bad_mac1);
  }
  queue_handshake(path, type, message, turn);
}

}  // namespace wg4
