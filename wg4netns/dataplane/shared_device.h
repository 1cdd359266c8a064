#pragma once
// The device, for one thread, as is usual, or for several. The core knows no threads: a thread holds the device while
// it calls it, and lets go of it while the cipher works and while system calls run.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <mutex>
#include <utility>
#include <vector>

#include "wg4netns/core/device.h"
#include "wg4netns/core/edge_drops.h"
#include "wg4netns/core/entropy.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/time.h"
#include "wg4netns/core/timers.h"
#include "wg4netns/crypto/aead.h"
#include "wg4netns/io/send_failure.h"

namespace wg4 {

class SharedDevice {
 public:
  SharedDevice(crypto::Aead& aead, Entropy& entropy, std::pmr::memory_resource& secrets)
      : device_(aead, entropy, secrets) {}

  /// The device, held as long as this lives. Without threads() no other thread could have it, and holding it costs
  /// nothing.
  class Held {
   public:
    explicit Held(SharedDevice& shared)
        : shared_(shared),
          lock_(shared.has_threads_ ? std::unique_lock(shared.mutex_) : std::unique_lock<std::mutex>()) {}
    Device* operator->() { return &shared_.device_; }
    Device& operator*() { return shared_.device_; }
    /// The control thread sleeps until `when`, and must be woken if something is due before.
    void control_sleeps_until(Instant when) { shared_.control_wakes_at_ = when; }
    [[nodiscard]] bool needs_control() const {
      return !shared_.events_.empty() || shared_.device_.has_handshake_work() ||
             shared_.device_.next_deadline().value_or(never) < shared_.control_wakes_at_;
    }
    [[nodiscard]] std::vector<SendFailure> take_failures() { return std::exchange(shared_.failures_, {}); }
    void add(const SendFailure& failure) {
      if (shared_.failures_.size() < max_failures) shared_.failures_.push_back(failure);
    }
    [[nodiscard]] std::vector<Event> take_events() { return std::exchange(shared_.events_, {}); }
    /// Events of this kind since the start.
    [[nodiscard]] std::uint64_t count_of(EventKind kind) const {
      return shared_.event_counts_[static_cast<std::size_t>(kind)];
    }
    /// The interface's, in bytes: a reload may change it.
    void set_mtu(std::size_t mtu) {
      shared_.mtu_ = mtu;
      shared_.device_.set_mtu(mtu);
    }
    [[nodiscard]] std::size_t mtu() const { return shared_.mtu_; }
    /// Of all threads, as of the end of their last turns.
    [[nodiscard]] const EdgeDrops& edge_drops() const { return shared_.edge_drops_; }
    /// One thread's share goes from `before` to `after`.
    void move_edge_drops(const EdgeDrops& before, const EdgeDrops& after) { shared_.edge_drops_.move(before, after); }

   private:
    SharedDevice& shared_;
    std::unique_lock<std::mutex> lock_;
  };
  [[nodiscard]] Held hold() { return Held(*this); }
  /// Output::event() of the device, which calls it while it is held.
  void add(const Event& event) {
    events_.push_back(event);
    ++event_counts_[static_cast<std::size_t>(event.kind)];
  }
  /// From now on several threads use it; to be called before the second one starts.
  void threads() { has_threads_ = true; }

 private:
  Device device_;
  std::mutex mutex_;
  bool has_threads_ = false;
  static constexpr std::size_t max_failures = 64;  // until the control thread takes them
  std::vector<Event> events_;                      // of the core, for the control thread
  std::vector<SendFailure> failures_;              // of the sockets, likewise
  std::array<std::uint64_t, event_kind_count> event_counts_{};
  EdgeDrops edge_drops_;
  std::size_t mtu_ = 0;
  Instant control_wakes_at_ = never;
};

}  // namespace wg4
