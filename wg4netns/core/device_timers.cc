// What happens when time passes (whitepaper 6.3 to 6.6).
#include "wg4netns/core/device.h"
#include "wg4netns/core/drop_reason.h"
#include "wg4netns/core/evidence.h"
#include "wg4netns/core/keypair.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/peer.h"
#include "wg4netns/core/time.h"
#include "wg4netns/core/timers.h"

namespace wg4 {

void Device::expire(Now now, Output& out) {
  Turn turn{now, out};
  while (const auto id = timer_queue_.pop_due(now.boot)) {
    Peer& peer = *peers_[*id];
    peer.scheduled = never;
    expire_peer(peer, turn);
    reschedule(peer);
  }
}

void Device::expire_peer(Peer& peer, Turn& turn) {
  Timers& timers = peer.timers;
  const Instant now = turn.now.boot;
  // First of all: after a long suspend it would otherwise clear the handshake that the timers below begin.
  if (timers.take_zero_key_material(now)) {
    forget_session_keys(peer);
    turn.out.event({EventKind::keys_expired, peer.id});
  }
  if (timers.take_retransmit_handshake(now)) expire_retransmit(peer, turn);
  if (timers.take_send_keepalive(now)) {
    send_keepalive(peer, turn);
    timers.keepalive_was_due(now);
  }
  if (timers.take_new_handshake(now)) {
    // We sent data and heard nothing: perhaps our own address moved, so let the routing table choose it again.
    if (peer.path) peer.path->clear_source();
    note_silence(peer, turn);
    initiate(peer, turn);
  }
  if (timers.take_persistent_keepalive(now)) send_keepalive(peer, turn);
}

/// Data was sent in a session, and not even a keepalive came. Counts that, and whether data of a session that we do not
/// have came instead.
void Device::note_silence(Peer& peer, Turn& turn) {
  const Keypair* keypair = peer.keypairs.current();
  if (keypair == nullptr || !peer.path) return;
  ++peer.evidence.silences;
  constexpr Duration crossing = 5s;  // the peer may have sent it before it knew of the new session
  if (recent_rejections_.find(RejectedDatagram::Kind::foreign_session, peer.path->remote,
                              keypair->created + crossing) != nullptr)
    peer.evidence.add_foreign_session(turn.now.boot);
  turn.out.event({EventKind::evidence, peer.id});
}

void Device::expire_retransmit(Peer& peer, Turn& turn) {
  if (!peer.timers.count_handshake_attempt()) {
    peer.timers.gave_up_handshake(turn.now.boot);
    peer.evidence.initiations = 0;
    purge_staged(peer);
    turn.out.event({EventKind::handshake_gave_up, peer.id});
    return;
  }
  if (peer.path) peer.path->clear_source();
  turn.out.event({EventKind::handshake_unanswered, peer.id});
  retry_initiation(peer, turn);
}

/// The queue holds the earliest deadline that a peer ever had since it last fired. A deadline that has moved later is
/// noticed when the old one fires: one idle look every few seconds instead of a heap operation for every packet.
void Device::reschedule(Peer& peer) {
  const Instant next = peer.timers.next();
  if (next >= peer.scheduled) return;
  timer_queue_.set(peer.id, next);
  peer.scheduled = next;
}

void Device::forget_session_keys(Peer& peer) {
  release_handshake(peer);
  retire(peer.keypairs.clear());
}

void Device::purge_staged(Peer& peer) { drop(DropReason::staged_purged, peer.staged.take_all().size()); }

}  // namespace wg4
