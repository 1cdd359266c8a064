#pragma once
// Where packets pass, and keys become known: shows them to every recording that there is, which may be none. Recordings
// come and go while the tunnel serves.

#include <atomic>
#include <mutex>
#include <span>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/keys.h"
#include "wg4netns/capture/key_log.h"
#include "wg4netns/capture/recording.h"
#include "wg4netns/capture/source_probe.h"
#include "wg4netns/core/key_observer.h"
#include "wg4netns/core/output.h"
#include "wg4netns/crypto/aead.h"

namespace wg4::capture {

class Taps final : public KeyObserver {
 public:
  /// A recording must be removed before it dies. Any thread may do all of this.
  void add(Recording& recording);
  void remove(Recording& recording);

  /// False when nobody would look: costs next to nothing.
  [[nodiscard]] bool active() const { return active_.load(std::memory_order_relaxed); }
  /// Somebody wants to hear of keys.
  [[nodiscard]] bool want_keys();

  void inner(std::span<const crypto::Plaintext> packets);  ///< from the namespace
  void inner(std::span<const ByteSpan> packets);           ///< to the namespace
  void outer(std::span<const DatagramRun> runs);           ///< as they came, still sealed
  void outer(const SendRun& run, ByteView bytes);          ///< as it goes; `bytes` are its own

  void identity_key(const PrivateKey& local_static) override;
  void handshake_keys(const PublicKey& remote_static, const PrivateKey& ephemeral,
                      const PresharedKey& preshared) override;

  /// Source addresses that the tunnel does not know stay unknown: where a sandbox cannot leave connect(2).
  void do_without_probes() { source_.close(); }

 private:
  void tell(const KeyLogEntry& entry);

  std::mutex mutex_;  // of what follows
  std::vector<Recording*> recordings_;
  SourceProbe source_;
  std::atomic<bool> active_ = false;
};

}  // namespace wg4::capture
