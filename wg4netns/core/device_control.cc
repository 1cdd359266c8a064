#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

// Configuration and status. A DeviceChange means the same whether it comes from a file or from the UAPI.
#include "shared/base/keys.h"
#include "shared/base/result.h"
#include "wg4netns/core/control.h"
#include "wg4netns/core/device.h"
#include "wg4netns/core/keypair.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/noise.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/peer.h"
#include "wg4netns/core/peer_id.h"
#include "wg4netns/core/time.h"

namespace wg4 {

Result<void> Device::apply(const DeviceChange& change, Now now, Output& out) {
  Turn turn{now, out};
  if (change.private_key) set_identity(*change.private_key);
  if (change.replace_peers)
    for (const PeerPtr& peer : peers_)
      if (peer) remove_peer(*peer);
  for (const PeerChange& peer : change.peers) TRY(apply_peer(peer, turn));
  return {};
}

void Device::set_identity(const PrivateKey& key) {
  auto identity = make_pmr<StaticIdentity>(secrets_, key.clone());
  if (identity->private_key.equals(identity_->private_key)) return;
  if (Peer* self = identity->present ? find_peer(identity->public_key) : nullptr) remove_peer(*self);

  identity_ = std::move(identity);
  if (key_observer_ != nullptr) key_observer_->identity_key(identity_->private_key);
  cookie_checker_.set_identity(identity_->public_key);
  for (const PeerPtr& peer : peers_) {
    if (!peer) continue;
    release_handshake(*peer);
    peer->handshake.forget_identity();
    peer->last_sent_handshake.reset();
    peer->evidence.reset_attempts();
    retire(peer->keypairs.stop_sending());
  }
}

Result<void> Device::apply_peer(const PeerChange& change, Turn& turn) {
  if (identity_->present && change.public_key == identity_->public_key) return {};  // our own key as a peer is ignored
  if (change.remove) {
    if (Peer* peer = find_peer(change.public_key)) remove_peer(*peer);
    return {};
  }
  Peer* peer = TRY(find_or_add(change));
  if (peer == nullptr) return {};

  const bool moves = change.endpoint && peer->path && *change.endpoint != peer->path->remote;
  if (change.preshared_key || moves) peer->evidence.reset_attempts();
  if (change.preshared_key) peer->handshake.set_preshared_key(change.preshared_key->clone());
  if (change.endpoint) peer->path = Path{.remote = *change.endpoint, .local = {}};
  if (change.replace_allowed_ips) allowed_ips_.remove_all(peer->id);
  for (const AllowedIpChange& each : change.allowed_ips) {
    if (each.remove) {
      allowed_ips_.remove(each.prefix, peer->id);
    } else {
      allowed_ips_.insert(each.prefix, peer->id);
    }
  }
  bool switched_on = false;
  if (change.persistent_keepalive_s) {
    const Duration interval = std::chrono::seconds(*change.persistent_keepalive_s);
    switched_on = peer->timers.persistent_keepalive_interval() == 0s && interval > 0s;
    peer->timers.set_persistent_keepalive(interval);
  }
  if (!up_) return {};
  if (switched_on) send_keepalive(*peer, turn);
  send_staged(*peer, turn);
  reschedule(*peer);
  return {};
}

/// Null when there is no such peer and the change is for existing peers only.
Result<Peer*> Device::find_or_add(const PeerChange& change) {
  if (Peer* peer = find_peer(change.public_key)) return peer;
  if (change.update_only) return nullptr;
  if (ids_by_key_.size() >= max_peers) return fail("more than " + std::to_string(max_peers) + " peers");

  auto id = static_cast<PeerId>(peers_.size());
  if (free_ids_.empty()) {
    peers_.emplace_back();
  } else {
    id = free_ids_.back();
    free_ids_.pop_back();
  }
  peers_[id] = make_pmr<Peer>(secrets_, id, change.public_key);
  ids_by_key_.emplace(change.public_key, id);
  return peers_[id].get();
}

void Device::remove_peer(Peer& peer) {
  forget_session_keys(peer);
  purge_staged(peer);
  allowed_ips_.remove_all(peer.id);
  timer_queue_.cancel(peer.id);
  ids_by_key_.erase(peer.public_key());
  free_ids_.push_back(peer.id);
  peers_[peer.id].reset();
}

Peer* Device::find_peer(const PublicKey& key) {
  const auto found = ids_by_key_.find(key);
  return found == ids_by_key_.end() ? nullptr : peers_[found->second].get();
}

void Device::bring_up(Now now, Output& out) {
  Turn turn{now, out};
  up_ = true;
  for (const PeerPtr& peer : peers_) {
    if (!peer) continue;
    if (peer->timers.persistent_keepalive_interval() > 0s && peer->path) send_keepalive(*peer, turn);
    send_staged(*peer, turn);
    reschedule(*peer);
  }
}

void Device::forget_source(PeerId id) {
  if (id < peers_.size() && peers_[id] && peers_[id]->path) peers_[id]->path->clear_source();
}

DeviceStatus Device::status() const {
  DeviceStatus status;
  status.private_key = identity_->private_key.clone();
  status.public_key = identity_->public_key;
  status.peers.reserve(ids_by_key_.size());
  for (const PeerPtr& peer : peers_)
    if (peer) status.peers.push_back(status_of(*peer, 0, SIZE_MAX));
  return status;
}

std::optional<StatusPiece> Device::next_status(StatusCursor& cursor, std::size_t most) const {
  while (cursor.peer < peers_.size()) {
    const Peer* peer = peers_[cursor.peer].get();
    if (peer == nullptr || (cursor.allowed_ips > 0 && peer->public_key() != cursor.public_key)) cursor.allowed_ips = 0;
    const std::size_t first = cursor.allowed_ips;
    PeerStatus status = peer == nullptr ? PeerStatus{} : status_of(*peer, first, most);
    const std::size_t told = status.allowed_ips.size();
    cursor = told < most ? StatusCursor{.peer = cursor.peer + 1}
                         : StatusCursor{cursor.peer, status.public_key, first + told};
    if (peer != nullptr && (first == 0 || told > 0)) return StatusPiece{std::move(status), first > 0};
  }
  return std::nullopt;
}

/// The peer's status, with its allowed IPs from number `first` on.
PeerStatus Device::status_of(const Peer& peer, std::size_t first, std::size_t most) const {
  PeerStatus status;
  status.public_key = peer.public_key();
  status.preshared_key = peer.handshake.preshared_key().clone();
  if (peer.path) status.endpoint = peer.path->remote;
  status.last_handshake = peer.last_handshake;
  status.rx_bytes = peer.rx_bytes;
  status.tx_bytes = peer.tx_bytes;
  status.persistent_keepalive_s = static_cast<std::uint16_t>(
      std::chrono::duration_cast<std::chrono::seconds>(peer.timers.persistent_keepalive_interval()).count());
  status.allowed_ips = allowed_ips_.entries(peer.id, first, most);
  return status;
}

Device::QueueDepths Device::queue_depths() const {
  QueueDepths depths{.staged_packets = 0, .handshakes = handshake_queue_.size()};
  for (const PeerPtr& peer : peers_)
    if (peer) depths.staged_packets += peer->staged.size();
  return depths;
}

}  // namespace wg4
