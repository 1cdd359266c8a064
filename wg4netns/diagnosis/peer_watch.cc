#include "wg4netns/diagnosis/peer_watch.h"

#include <algorithm>
#include <vector>

#include "shared/base/hex_base64.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/peer.h"
#include "wg4netns/core/time.h"
#include "wg4netns/io/send_failure.h"

namespace wg4 {

std::string describe(const Peer& peer) {
  const std::string where = peer.path ? peer.path->remote.to_string() : "no endpoint";
  return "peer " + encode_base64(peer.public_key()) + " (" + where + ")";
}

namespace {

/// "Does not answer" remains until there is a session: a new attempt begins without evidence, and other observations in
/// the meantime change nothing.
bool may_change(Finding before, Finding found, EventKind event) {
  switch (event) {
    case EventKind::handshake_completed:
      return true;
    case EventKind::handshake_unanswered:
      return found != Finding::none;
    case EventKind::evidence:
      return !is_silence(before);
    default:
      return false;
  }
}

}  // namespace

void PeerWatch::consider(const Device& device, const Event& event, Now now) {
  const Peer* peer = device.peer(event.peer);
  if (peer == nullptr) return;
  if (event.kind == EventKind::handshake_unanswered) {
    listen_until_ = now.boot + answer_memory;
    listening_ = false;  // by now the socket may be another one
  }
  const Finding before = finding(*peer);
  const Evidence evidence = this->evidence(device, *peer, now);
  const Finding found = find(evidence);
  if (found == before || !may_change(before, found, event.kind)) return;
  if (found == Finding::none) {
    known_.erase(peer->id);
    return say(log::Level::info, found, describe(*peer) + ": works again", now);
  }
  const std::string text = sentence(found, evidence);
  // Some connections need no answers.
  const auto level = found == Finding::no_data ? log::Level::info : log::Level::warning;
  say(level, found, describe(*peer) + ": " + text, now);
  known_.insert_or_assign(peer->id, Known{peer->public_key(), found, text});
}

void PeerWatch::say(log::Level level, Finding finding, std::string line, Now now) {
  LogBudget& budget = budgets_.at(static_cast<std::size_t>(finding));
  if (log::level() >= level && budget.take(now.boot)) log::write(level, line.append(budget.take_left_out()));
}

void PeerWatch::failed(const SendFailure& failure, Now now) {
  forget_failures(now.boot);
  std::erase_if(failures_, [&](const Failure& old) { return old.what.to == failure.to; });
  if (failures_.size() < max_failures) failures_.push_back({failure, now.boot});
}

void PeerWatch::forget_failures(Instant now) {
  std::erase_if(failures_, [&](const Failure& failure) { return now - failure.at >= answer_memory; });
}

void PeerWatch::listen(const UdpSocket& udp, Now now) {
  if (listening_ == (now.boot < listen_until_)) return;
  listening_ = !listening_;
  udp.report_failures(listening_);
}

const PeerWatch::Known* PeerWatch::known(const Peer& peer) const {
  const auto found = known_.find(peer.id);
  return found != known_.end() && found->second.key == peer.public_key() ? &found->second : nullptr;
}

std::string PeerWatch::of(const Peer& peer) const {
  const Known* found = known(peer);
  return found != nullptr ? found->text : "";
}

Finding PeerWatch::finding(const Peer& peer) const {
  const Known* found = known(peer);
  return found != nullptr ? found->finding : Finding::none;
}

Evidence PeerWatch::evidence(const Device& device, const Peer& peer, Now now) const {
  Evidence evidence = gather(device, peer, now);
  evidence.configured = configured_;
  evidence.own_port = port_;
  for (const Failure& failure : failures_)
    if (peer.path && failure.what.to == peer.path->remote && now.boot - failure.at < answer_memory)
      evidence.failure = failure.what;
  return evidence;
}

}  // namespace wg4
