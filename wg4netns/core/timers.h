#pragma once
// The timers of whitepaper 6, as deadlines. What is done at a deadline is in device_timers.cc; what sets it is here,
// one function per event, named as in the kernel's timers.c.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "wg4netns/core/entropy.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/time.h"

namespace wg4 {

inline constexpr Instant never = Instant::max();

/// So that two sides that do the same thing at the same moment drift apart.
[[nodiscard]] inline Duration rekey_jitter(Entropy& entropy) {
  constexpr auto range = std::chrono::duration_cast<std::chrono::microseconds>(rekey_timeout_jitter_max).count();
  return std::chrono::microseconds(entropy.u32() % range);
}

class Timers {
 public:
  void data_sent(Instant now) {
    if (new_handshake_ == never) new_handshake_ = now + keepalive_timeout + rekey_timeout + session_jitter_;
  }
  void data_received(Instant now) {
    if (send_keepalive_ == never) {
      send_keepalive_ = now + keepalive_timeout;
    } else {
      need_another_keepalive_ = true;
    }
  }
  void any_authenticated_packet_sent() { send_keepalive_ = never; }
  void any_authenticated_packet_received() { new_handshake_ = never; }
  void any_authenticated_packet_traversal(Instant now) {
    if (persistent_keepalive_interval_ > 0s) persistent_keepalive_ = now + persistent_keepalive_interval_;
  }
  void handshake_initiated(Instant now, Entropy& entropy) {
    retransmit_handshake_ = now + rekey_timeout + rekey_jitter(entropy);
  }
  /// An initiation is due but has to wait, because our last handshake message was sent at `last`. Without this deadline
  /// a staged packet could wait forever, since that message may have been a response that the peer never confirms. When
  /// two initiations have crossed, both sides get here, so the jitter has to exceed the time between them.
  void handshake_held_back(Instant last, Entropy& entropy) {
    retransmit_handshake_ = last + rekey_timeout + crossing_jitter_factor * rekey_jitter(entropy);
  }
  /// The time of the next initiation is set.
  [[nodiscard]] bool handshake_pending() const { return retransmit_handshake_ != never; }
  void handshake_complete() {
    retransmit_handshake_ = never;
    handshake_attempts_ = 0;
    sent_lastminute_handshake_ = false;
  }
  /// Draws the jitter of new_handshake once per session: that deadline is set in almost every turn with traffic, too
  /// often for a system call.
  void session_derived(Instant now, Entropy& entropy) {
    zero_key_material_ = now + key_zeroing_time;
    session_jitter_ = rekey_jitter(entropy);
  }

  /// Zero switches it off.
  void set_persistent_keepalive(Duration interval) {
    persistent_keepalive_interval_ = interval;
    if (interval == 0s) persistent_keepalive_ = never;
  }
  [[nodiscard]] Duration persistent_keepalive_interval() const { return persistent_keepalive_interval_; }

  [[nodiscard]] Instant next() const {
    return std::min(
        {retransmit_handshake_, send_keepalive_, new_handshake_, zero_key_material_, persistent_keepalive_});
  }

  // Each is true, and clears the deadline, if it has passed.
  [[nodiscard]] bool take_retransmit_handshake(Instant now) { return take(retransmit_handshake_, now); }
  [[nodiscard]] bool take_send_keepalive(Instant now) { return take(send_keepalive_, now); }
  [[nodiscard]] bool take_new_handshake(Instant now) { return take(new_handshake_, now); }
  [[nodiscard]] bool take_zero_key_material(Instant now) { return take(zero_key_material_, now); }
  [[nodiscard]] bool take_persistent_keepalive(Instant now) { return take(persistent_keepalive_, now); }

  /// To be called when a keepalive was sent because it was due: schedules another one if more data came in the
  /// meantime.
  void keepalive_was_due(Instant now) {
    if (std::exchange(need_another_keepalive_, false)) send_keepalive_ = now + keepalive_timeout;
  }
  /// False when the handshake is to be given up (whitepaper 6.4: after 90 s, which is 20 initiations in all).
  [[nodiscard]] bool count_handshake_attempt() { return handshake_attempts_++ <= max_timer_handshakes; }
  void restart_handshake_attempts() { handshake_attempts_ = 0; }
  void gave_up_handshake(Instant now) {
    send_keepalive_ = never;
    if (zero_key_material_ == never) zero_key_material_ = now + key_zeroing_time;
  }
  /// Data was sent, and nothing has come since.
  [[nodiscard]] bool awaits_reply() const { return new_handshake_ != never; }
  /// True once per session: for the handshake that the receiver starts shortly before the session ends.
  [[nodiscard]] bool take_lastminute_handshake() { return !std::exchange(sent_lastminute_handshake_, true); }

 private:
  [[nodiscard]] static bool take(Instant& deadline, Instant now) {
    if (deadline > now) return false;
    deadline = never;
    return true;
  }

  Instant retransmit_handshake_ = never;
  Instant send_keepalive_ = never;
  Instant new_handshake_ = never;
  Instant zero_key_material_ = never;
  Instant persistent_keepalive_ = never;
  Duration persistent_keepalive_interval_ = 0s;
  Duration session_jitter_ = 0s;
  std::uint8_t handshake_attempts_ = 0;
  bool need_another_keepalive_ = false;
  bool sent_lastminute_handshake_ = false;
};

}  // namespace wg4
