#include "wg4netns/capture/taps.h"

#include <algorithm>

#include "shared/base/bytes.h"
#include "shared/base/keys.h"
#include "wg4netns/capture/key_log.h"
#include "wg4netns/core/output.h"
#include "wg4netns/crypto/aead.h"

namespace wg4::capture {

void Taps::add(Recording& recording) {
  const std::lock_guard lock(mutex_);
  recordings_.push_back(&recording);
  active_ = true;
}

void Taps::remove(Recording& recording) {
  const std::lock_guard lock(mutex_);
  std::erase(recordings_, &recording);
  active_ = !recordings_.empty();
}

bool Taps::want_keys() {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(recordings_, &Recording::with_keys);
}

void Taps::inner(std::span<const crypto::Plaintext> packets) {
  const std::lock_guard lock(mutex_);
  for (Recording* each : recordings_) each->inner(packets);
}

void Taps::inner(std::span<const ByteSpan> packets) {
  const std::lock_guard lock(mutex_);
  for (Recording* each : recordings_) each->inner(packets);
}

void Taps::outer(std::span<const DatagramRun> runs) {
  const std::lock_guard lock(mutex_);
  for (Recording* each : recordings_) each->outer(runs);
}

void Taps::outer(const SendRun& run, ByteView bytes) {
  const std::lock_guard lock(mutex_);
  if (recordings_.empty()) return;
  SendRun with_source = run;
  if (!run.path.has_source()) with_source.path.local = source_.towards(run.path.remote);
  for (Recording* each : recordings_) each->outer(with_source, bytes);
}

void Taps::identity_key(const PrivateKey& local_static) { tell(KeyLogEntry(local_static)); }

void Taps::handshake_keys(const PublicKey& remote_static, const PrivateKey& ephemeral, const PresharedKey& preshared) {
  tell(KeyLogEntry(remote_static, ephemeral, preshared));
}

void Taps::tell(const KeyLogEntry& entry) {
  const std::lock_guard lock(mutex_);
  for (Recording* each : recordings_)
    if (each->with_keys()) each->keys(entry);
}

}  // namespace wg4::capture
