#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "shared/base/bytes.h"
#include "wg4netns/crypto/aead.h"

namespace wg4::test {

/// Checks that no cipher of a simulation seals twice with the same key and counter. There is one for all devices.
class NonceLedger {
 public:
  using Key = std::array<std::uint8_t, 32>;

  /// Counters only go up, so reuse is a counter that is not above the last one.
  void sealed(const Key& key, std::uint64_t counter) {
    const auto [at, first] = last_.try_emplace(key, counter);
    if (!first && counter <= at->second) reused_ = true;
    at->second = counter;
  }
  [[nodiscard]] bool reused() const { return reused_; }
  /// All keys that have sealed, with their last counters.
  [[nodiscard]] const std::map<Key, std::uint64_t>& keys() const { return last_; }

 private:
  std::map<Key, std::uint64_t> last_;
  bool reused_ = false;
};

/// A real cipher that records each sealed packet's key and counter in the ledger.
class RecordingAead final : public crypto::Aead {
 public:
  explicit RecordingAead(NonceLedger& ledger, std::unique_ptr<crypto::Aead> cipher = crypto::make_openssl_aead())
      : ledger_(ledger), cipher_(std::move(cipher)) {}

  [[nodiscard]] std::string_view name() const override { return cipher_->name(); }
  void seal_batch(const crypto::AeadKey& key, std::span<const crypto::SealJob> jobs) override {
    NonceLedger::Key bytes;
    copy_bytes(bytes.data(), key.span());
    for (const crypto::SealJob& job : jobs) ledger_.sealed(bytes, job.counter);
    cipher_->seal_batch(key, jobs);
  }
  void open_batch(const crypto::AeadKey& key, std::span<crypto::OpenJob> jobs) override {
    cipher_->open_batch(key, jobs);
  }
  void forget_keys() override { cipher_->forget_keys(); }

 private:
  NonceLedger& ledger_;
  std::unique_ptr<crypto::Aead> cipher_;
};

}  // namespace wg4::test
