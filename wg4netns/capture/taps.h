#pragma once
// The data path passes packets and keys to this, which hands them to every recording. Recordings come and go while the
// tunnel runs, and usually there is none.

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
  /// A recording must be removed before it is destroyed. Any thread may call any of these functions.
  void add(Recording& recording);
  void remove(Recording& recording);

  /// False when there is no recording. Costs next to nothing.
  [[nodiscard]] bool active() const { return active_.load(std::memory_order_relaxed); }
  /// Some recording is to have keys.
  [[nodiscard]] bool want_keys();

  void inner(std::span<const crypto::Plaintext> packets);  ///< from the namespace
  void inner(std::span<const ByteSpan> packets);           ///< to the namespace
  void outer(std::span<const DatagramRun> runs);           ///< received, still sealed
  void outer(const SendRun& run, ByteView bytes);          ///< sent, sealed; `bytes` are its datagrams

  void identity_key(const PrivateKey& local_static) override;
  void handshake_keys(const PublicKey& remote_static, const PrivateKey& ephemeral,
                      const PresharedKey& preshared) override;

  /// Leaves source addresses that the tunnel does not know unspecified, if the sandbox cannot allow connect(2).
  void do_without_probes() { source_.close(); }

 private:
  void tell(const KeyLogEntry& entry);

  std::mutex mutex_;  // guards what follows
  std::vector<Recording*> recordings_;
  SourceProbe source_;
  std::atomic<bool> active_ = false;
};

}  // namespace wg4::capture
