#pragma once
// A session: two keys, two counters, and when it began. Up to three exist while a new one takes over
// (whitepaper 6.3), so that no packet in flight is lost.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>
#include <utility>

#include "shared/base/secret.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/noise.h"
#include "wg4netns/core/replay_window.h"
#include "wg4netns/core/time.h"

namespace wg4 {

struct Keypair {
  Keypair(TransportKeys keys, Instant now)
      : send_key(std::move(keys.send)),
        receive_key(std::move(keys.receive)),
        local_index(keys.local_index),
        remote_index(keys.remote_index),
        initiator(keys.initiator),
        created(now) {}

  [[nodiscard]] Duration age(Instant now) const { return now - created; }
  [[nodiscard]] bool may_send(Instant now) const {
    return sending && age(now) < reject_after_time && send_counter < reject_after_messages;
  }
  [[nodiscard]] bool may_receive(Instant now) const { return age(now) < reject_after_time; }

  Secret<32> send_key;
  Secret<32> receive_key;
  std::uint32_t local_index;
  std::uint32_t remote_index;
  bool initiator;
  bool sending = true;  ///< false once this key must no longer seal
  Instant created;
  std::uint64_t send_counter = 0;  ///< of the next packet
  ReplayWindow received;
};

/// Frees into the memory resource that the object came from.
template <class T>
struct PmrDelete {
  std::pmr::memory_resource* resource = nullptr;
  void operator()(T* object) const { std::pmr::polymorphic_allocator<>(resource).delete_object(object); }
};

template <class T>
using PmrPtr = std::unique_ptr<T, PmrDelete<T>>;

template <class T, class... Args>
[[nodiscard]] PmrPtr<T> make_pmr(std::pmr::memory_resource& resource, Args&&... args) {
  std::pmr::polymorphic_allocator<> allocator(&resource);
  return PmrPtr<T>(allocator.new_object<T>(std::forward<Args>(args)...), PmrDelete<T>{&resource});
}

using KeypairPtr = PmrPtr<Keypair>;

/// Local indices of sessions that have ended, for the caller to remove from the index table.
class RetiredIndices {
 public:
  void add(const KeypairPtr& keypair) {
    if (keypair) indices_[count_++] = keypair->local_index;
  }
  [[nodiscard]] std::span<const std::uint32_t> all() const { return std::span(indices_).first(count_); }

 private:
  std::array<std::uint32_t, 3> indices_{};
  std::size_t count_ = 0;
};

class Keypairs {
 public:
  /// The session that we send with; null when there is none.
  [[nodiscard]] Keypair* current() { return current_.get(); }
  /// The session with this local index; null when there is none.
  [[nodiscard]] Keypair* find(std::uint32_t local_index);

  /// Adds the session of a completed handshake. The initiator uses it at once; the responder waits until the first
  /// packet of the session proves that the initiator has it.
  [[nodiscard]] RetiredIndices add(KeypairPtr keypair);
  /// To be called when a packet was authenticated with `keypair`. True when that confirmed the waiting session, which
  /// is now current.
  [[nodiscard]] bool confirm(const Keypair& keypair, RetiredIndices& retired);
  [[nodiscard]] RetiredIndices clear();
  /// To be called when our identity changes: the present sessions seal nothing more.
  [[nodiscard]] RetiredIndices stop_sending();

 private:
  friend struct DeviceProbe;  // tests look inside

  KeypairPtr previous_;
  KeypairPtr current_;
  KeypairPtr next_;  // as responder, not yet confirmed
};

}  // namespace wg4
