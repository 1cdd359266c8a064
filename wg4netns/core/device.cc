// The data path. Outbound: look-up, counters, seal, send. Inbound: classify, look-up, open, replay window, and only
// then anything that an attacker must not be able to move: endpoint, timers, sessions, the TUN.
#include "wg4netns/core/device.h"

#include <algorithm>

#include "shared/base/check.h"
#include "wg4netns/core/limits.h"

namespace wg4 {
namespace {

ByteView first_piece(const crypto::Plaintext& packet) { return packet.head.empty() ? packet.body : packet.head; }

}  // namespace

Device::Device(crypto::Aead& aead, Entropy& entropy, std::pmr::memory_resource& secrets)
    : aead_(aead),
      entropy_(entropy),
      secrets_(secrets),
      identity_(make_pmr<StaticIdentity>(secrets)),
      rate_limiter_(entropy) {}

// ---------------------------------------------------------------- outbound: TUN -> UDP

void Device::outbound(Plaintexts packets, Now now, Output& out) {
  if (packets.empty()) return;
  Turn turn{now, out};
  send_data(route(packets[0], packets.size()), packets, turn);
}

void Device::outbound_mixed(Plaintexts packets, Now now, Output& out) {
  Turn turn{now, out};
  std::size_t first = 0;
  Destination to;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const Destination next = route(packets[i], 1);
    if (i > first && next != to) {
      send_data(to, packets.subspan(first, i - first), turn);
      first = i;
    }
    to = next;
  }
  if (!packets.empty()) send_data(to, packets.subspan(first), turn);
}

/// Cryptokey routing on the way out. `packets` is how many would be dropped for want of a peer.
Device::Destination Device::route(const crypto::Plaintext& packet, std::size_t packets) {
  const auto inner = InnerPacket::parse(first_piece(packet), packet.size());
  if (!inner) {
    drop(DropReason::outbound_malformed, packets);
    return {};
  }
  const PeerId id =
      inner->is_v4() ? allowed_ips_.find_v4(inner->destination()) : allowed_ips_.find_v6(inner->destination());
  if (id == no_peer) {
    drop(DropReason::no_route, packets);
    return {};
  }
  Peer* peer = peers_[id].get();
  if (!peer->path) {
    drop(DropReason::no_endpoint, packets);
    return {};
  }
  return {peer, encapsulate_ecn(inner->ecn())};
}

void Device::send_data(const Destination& to, Plaintexts packets, Turn& turn) {
  if (to.peer == nullptr) return;
  Peer& peer = *to.peer;
  Keypair* keypair = peer.keypairs.current();
  if (keypair != nullptr && peer.staged.empty() && keypair->may_send(turn.now.boot)) {
    seal(peer, *keypair, packets, to.ecn, turn);
  } else {
    stage(peer, packets, to.ecn);
    send_staged(peer, turn);
  }
  reschedule(peer);
}

void Device::seal(Peer& peer, Keypair& keypair, Plaintexts packets, Ecn ecn, Turn& turn) {
  bool data = false;
  while (!packets.empty() && keypair.may_send(turn.now.boot)) {
    if (sealed_size(packets[0]) > max_datagram_size) {
      drop(DropReason::packet_too_big);
      packets = packets.subspan(1);
      continue;
    }
    const std::size_t sealed = seal_batch(peer, keypair, packets, ecn, turn);
    data |= std::ranges::any_of(packets.first(sealed), [](const auto& packet) { return packet.size() > 0; });
    packets = packets.subspan(sealed);
  }
  peer.timers.any_authenticated_packet_traversal(turn.now.boot);
  peer.timers.any_authenticated_packet_sent();
  if (data) peer.timers.data_sent(turn.now.boot, entropy_);
  if (!packets.empty()) stage(peer, packets, ecn);  // the key ran out of counters on the way
  keep_fresh_sending(peer, turn);
}

/// Seals as many packets as go into one batch; returns how many, at least one.
std::size_t Device::seal_batch(Peer& peer, Keypair& keypair, Plaintexts packets, Ecn ecn, Turn& turn) {
  const std::size_t most =
      std::min<std::uint64_t>(std::min(max_batch, packets.size()), reject_after_messages - keypair.send_counter);
  std::size_t count = 0;
  std::size_t total = 0;
  for (; count < most && total + sealed_size(packets[count]) <= max_run_size; ++count)
    total += sealed_size(packets[count]);

  const ByteSpan room = turn.out.send_room(total);
  std::uint8_t* at = room.data();
  for (std::size_t i = 0; i < count; ++i) {
    const DataHeaderSpan header{std::span<std::uint8_t, data_header_size>(at, data_header_size)};
    const std::uint64_t counter = keypair.send_counter++;
    store_le(header.type().data(), static_cast<std::uint32_t>(MessageType::data));
    store_le(header.receiver().data(), keypair.remote_index);
    store_le(header.counter().data(), counter);
    seal_jobs_[i] = {packets[i], padding(packets[i].size()), at + data_header_size, counter};
    at += sealed_size(packets[i]);
  }
  aead_.seal_batch(keypair.send_key, std::span(seal_jobs_).first(count));
  peer.tx_bytes += total;
  send_runs(peer, packets.first(count), ecn, turn);
  return count;
}

/// Hands over what was sealed, cut into runs: datagrams of one size, of which a shorter one may be the last.
void Device::send_runs(const Peer& peer, Plaintexts packets, Ecn ecn, Turn& turn) {
  while (!packets.empty()) {
    SendRun run{*peer.path, peer.id, static_cast<std::uint8_t>(ecn), 0, sealed_size(packets[0])};
    std::size_t count = 0;
    for (bool whole = true; whole && count < packets.size(); ++count) {
      const std::size_t size = sealed_size(packets[count]);
      if (size > run.segment_size) break;
      run.size += size;
      whole = size == run.segment_size;
    }
    turn.out.send(run);
    packets = packets.subspan(count);
  }
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

/// Sends what is staged, or asks for the session that it waits for.
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
    seal(peer, *keypair, group, static_cast<Ecn>(packet->ecn), turn);
    packet = end;
  }
}

/// An empty packet, behind whatever is staged already.
void Device::send_keepalive(Peer& peer, Turn& turn) {
  if (peer.staged.empty()) stage(peer, std::array{crypto::Plaintext{}}, Ecn::not_ect);
  send_staged(peer, turn);
}

// ---------------------------------------------------------------- inbound: UDP -> TUN

void Device::inbound(std::span<const DatagramRun> runs, Now now, Output& out) {
  Turn turn{now, out};
  for (const DatagramRun& run : runs) collect(run, turn);
  open_pending(turn);
}

/// Sorts the datagrams of a run: handshake messages to their queue, data to the batch that is opened together.
void Device::collect(const DatagramRun& run, Turn& turn) {
  CHECK(run.segment_size > 0);
  const auto ecn = static_cast<Ecn>(run.tos & 3U);
  for (std::size_t offset = 0; offset < run.bytes.size(); offset += run.segment_size) {
    const ByteSpan datagram = run.bytes.subspan(offset, std::min(run.segment_size, run.bytes.size() - offset));
    const auto type = classify(datagram);
    if (!type) {
      drop(DropReason::malformed_message);
      continue;
    }
    if (*type != MessageType::data) {
      receive_handshake(run.path, *type, datagram, turn);
      continue;
    }
    const DataHeaderView header{datagram.first<data_header_size>()};
    const auto index = load_le<std::uint32_t>(header.receiver().data());
    const auto counter = load_le<std::uint64_t>(header.counter().data());
    if (counter >= reject_after_messages) {
      drop(DropReason::counter_limit);
      continue;
    }
    const bool joins = pending_.count < max_batch && index == pending_.index && ecn == pending_.ecn &&
                       (offset > 0 || run.path == pending_.path);
    if (!joins) {
      open_pending(turn);
      pending_ = {0, index, run.path, ecn};
    }
    open_jobs_[pending_.count++] = {datagram.subspan(data_header_size), counter};
  }
}

/// Opens the datagrams that were collected.
void Device::open_pending(Turn& turn) {
  const auto jobs = std::span(open_jobs_).first(std::exchange(pending_.count, 0));
  if (jobs.empty()) return;
  const IndexTable::Entry* entry = index_table_.find(pending_.index);
  if (entry == nullptr || entry->kind != IndexKind::keypair) return drop(DropReason::unknown_index, jobs.size());
  Peer& peer = *peers_[entry->peer];
  Keypair& keypair = *peer.keypairs.find(pending_.index);
  if (!keypair.may_receive(turn.now.boot)) return drop(DropReason::expired_key, jobs.size());

  aead_.open_batch(keypair.receive_key, jobs);
  const Opened opened = accept_opened(peer, keypair, jobs, pending_.ecn);
  if (opened.any) authenticated(peer, keypair, pending_.path, opened.data, turn);
  if (opened.packets > 0) turn.out.deliver(std::span(inner_packets_).first(opened.packets));
  reschedule(peer);
}

Device::Opened Device::accept_opened(Peer& peer, Keypair& keypair, std::span<const crypto::OpenJob> jobs, Ecn outer) {
  Opened opened;
  for (const crypto::OpenJob& job : jobs) {
    if (!job.authentic) {
      drop(DropReason::bad_tag);
      continue;
    }
    if (!keypair.received.accept(job.counter)) {
      drop(DropReason::replayed_counter);
      continue;
    }
    opened.any = true;
    peer.rx_bytes += data_header_size + job.data.size();
    const ByteSpan plaintext = job.data.first(job.data.size() - tag_size);
    if (plaintext.empty()) continue;  // a keepalive
    opened.data = true;
    if (accept_inner(peer, plaintext, outer, inner_packets_[opened.packets])) ++opened.packets;
  }
  return opened;
}

/// Cryptokey routing on the way in: `inner` becomes the packet without padding, if it is one and this peer may send it.
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

/// A datagram that only this peer can have made: now its address, session and timers may move.
void Device::authenticated(Peer& peer, Keypair& keypair, const Path& path, bool data, Turn& turn) {
  move_path(peer, path, turn);
  RetiredIndices retired;
  if (peer.keypairs.confirm(keypair, retired)) {
    retire(retired);
    handshake_complete(peer, turn);
    send_staged(peer, turn);
  }
  keep_fresh_receiving(peer, turn);
  peer.timers.any_authenticated_packet_received();
  peer.timers.any_authenticated_packet_traversal(turn.now.boot);
  if (data) peer.timers.data_received(turn.now.boot);
}

/// Only what knows our public key may wait for curve arithmetic. A cookie reply has no mac1, but it needs none: junk
/// ends at the look-up of its index, before it could take a place in the queue.
void Device::receive_handshake(const Path& path, MessageType type, ByteView message, Turn& turn) {
  if (!identity_->present) return drop(DropReason::not_configured);
  if (type == MessageType::cookie_reply) return process_cookie_reply(message, turn);
  if (!cookie_checker_.check_mac1(message)) return drop(DropReason::bad_mac1);
  queue_handshake(path, type, message, turn);
}

}  // namespace wg4
