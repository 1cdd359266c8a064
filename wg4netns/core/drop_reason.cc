#include "wg4netns/core/drop_reason.h"

namespace wg4 {

std::string_view name(DropReason reason) {
  switch (reason) {
    case DropReason::malformed_message:
      return "malformed-message";
    case DropReason::bad_mac1:
      return "bad-mac1";
    case DropReason::handshake_queue_full:
      return "handshake-queue-full";
    case DropReason::not_configured:
      return "not-configured";
    case DropReason::needs_cookie:
      return "needs-cookie";
    case DropReason::rate_limited:
      return "rate-limited";
    case DropReason::handshake_rejected:
      return "handshake-rejected";
    case DropReason::handshake_replayed:
      return "handshake-replayed";
    case DropReason::handshake_flood:
      return "handshake-flood";
    case DropReason::bad_cookie_reply:
      return "bad-cookie-reply";
    case DropReason::unknown_index:
      return "unknown-index";
    case DropReason::expired_key:
      return "expired-key";
    case DropReason::counter_limit:
      return "counter-limit";
    case DropReason::bad_tag:
      return "bad-tag";
    case DropReason::replayed_counter:
      return "replayed-counter";
    case DropReason::inner_malformed:
      return "inner-malformed";
    case DropReason::inner_source:
      return "inner-source";
    case DropReason::outbound_malformed:
      return "outbound-malformed";
    case DropReason::no_route:
      return "no-route";
    case DropReason::no_endpoint:
      return "no-endpoint";
    case DropReason::staged_overflow:
      return "staged-overflow";
    case DropReason::staged_purged:
      return "staged-purged";
    case DropReason::packet_too_big:
      return "packet-too-big";
    case DropReason::count_:
      break;
  }
  return "unknown";
}

}  // namespace wg4
