#include "wg4netns/core/noise.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <string_view>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/base/check.h"
#include "shared/base/secret.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/crypto/curve25519.h"
#include "wg4netns/crypto/small_aead.h"

namespace wg4 {
namespace {

constexpr std::string_view construction = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
// The TAI64 label of 1970; leap seconds do not matter to a value that only has to grow.
constexpr std::uint64_t tai64_epoch = 0x400000000000000aULL;
constexpr std::string_view identifier = "WireGuard v1 zx2c4 Jason@zx2c4.com";

/// C := HASH(construction); H := HASH(C || identifier), the same for every handshake there will ever be.
struct InitialState {
  crypto::Hash chaining_key = crypto::blake2s(bytes_of(construction));
  crypto::Hash hash = crypto::blake2s(chaining_key, bytes_of(identifier));

  static ByteView bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
  }
};

/// Every handshake starts from the responder's static key: H := HASH(H || S_r^pub).
void start(NoiseState& state, const PublicKey& responder_static) {
  static const InitialState initial;
  state.chaining_key.assign(initial.chaining_key);
  state.hash = initial.hash;
  state.mix_hash(responder_static);
}

/// H := HASH(H || E); C := KDF1(C, E)
void mix_ephemeral(NoiseState& state, ByteView ephemeral) {
  state.mix_hash(ephemeral);
  crypto::kdf1(state.chaining_key.span(), ephemeral, state.chaining_key);
}

/// (C, key) := KDF2(C, DH(mine, theirs)); without `key`, C := KDF1(C, ...).
bool mix_dh(NoiseState& state, Secret<32>* key, const PrivateKey& mine, const PublicKey& theirs) {
  Secret<32> shared;
  if (!crypto::diffie_hellman(mine, theirs, shared)) return false;
  if (key != nullptr) {
    crypto::kdf2(state.chaining_key.span(), shared.span(), state.chaining_key, *key);
  } else {
    crypto::kdf1(state.chaining_key.span(), shared.span(), state.chaining_key);
  }
  return true;
}

void encrypt_and_hash(NoiseState& state, const Secret<32>& key, ByteView plaintext, ByteSpan out) {
  crypto::seal_once(key, plaintext, state.hash, out);
  state.mix_hash(out);
}

bool decrypt_and_hash(NoiseState& state, const Secret<32>& key, ByteView sealed, ByteSpan out) {
  if (!crypto::open_once(key, sealed, state.hash, out)) return false;
  state.mix_hash(sealed);
  return true;
}

/// (C, t, key) := KDF3(C, Q); H := HASH(H || t)
void mix_preshared_key(NoiseState& state, const PresharedKey& preshared_key, Secret<32>& key) {
  Secret<32> t;
  crypto::kdf3(state.chaining_key.span(), preshared_key.span(), state.chaining_key, t, key);
  state.mix_hash(t.span());
}

PublicKey to_key(std::span<const std::uint8_t, 32> bytes) {
  PublicKey key;
  std::ranges::copy(bytes, key.begin());
  return key;
}

PrivateKey random_private_key(Entropy& entropy) {
  PrivateKey key;
  entropy.fill(key.span());
  crypto::clamp(key);
  return key;
}

}  // namespace

Timestamp tai64n(WallTime wall) {
  constexpr auto granularity = Duration{1 << 24};  // the largest power of two that allows 50 initiations a second
  const auto since_epoch = wall.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
  const auto rest = since_epoch - seconds;
  Timestamp stamp;
  store_be<std::uint64_t>(stamp.data(), tai64_epoch + static_cast<std::uint64_t>(seconds.count()));
  store_be<std::uint32_t>(stamp.data() + 8, static_cast<std::uint32_t>((rest - rest % granularity).count()));
  return stamp;
}

std::optional<WallTime> wall_time(const Timestamp& stamp) {
  constexpr std::uint64_t latest = 1ULL << 33;  // the year 2242; nanoseconds in 64 bits end in 2262
  const std::uint64_t seconds = load_be<std::uint64_t>(stamp.data()) - tai64_epoch;
  if (seconds > latest) return std::nullopt;
  return WallTime(std::chrono::seconds(seconds)) + std::chrono::nanoseconds(load_be<std::uint32_t>(stamp.data() + 8));
}

StaticIdentity::StaticIdentity(PrivateKey key) : private_key(std::move(key)), present(!private_key.is_zero()) {
  if (!present) return;
  crypto::clamp(private_key);
  public_key = crypto::derive_public_key(private_key);
}

void NoiseState::mix_hash(ByteView bytes) { hash = crypto::blake2s(hash, bytes); }

void NoiseState::wipe() {
  chaining_key.wipe();
  sodium_memzero(hash.data(), hash.size());
}

std::optional<OpenedInitiation> open_initiation(const StaticIdentity& self, InitiationView message) {
  OpenedInitiation opened;
  Secret<32> key;
  start(opened.state, self.public_key);
  mix_ephemeral(opened.state, message.ephemeral());
  if (!mix_dh(opened.state, &key, self.private_key, to_key(message.ephemeral()))) return std::nullopt;
  if (!decrypt_and_hash(opened.state, key, message.encrypted_static(), opened.remote_static)) return std::nullopt;
  return opened;
}

void Handshake::forget_identity() {
  clear();
  static_static_.wipe();
  static_static_known_ = false;
}

void Handshake::clear() {
  state_ = State::none;
  local_index_.reset();
  remote_index_ = 0;
  ephemeral_.wipe();
  remote_ephemeral_ = {};
  noise_.wipe();
}

/// (C, key) := KDF2(C, DH(S_i, S_r)), with the DH computed once for the life of the two keys.
bool Handshake::mix_static_static(const StaticIdentity& self, NoiseState& state, Secret<32>* key) {
  if (!static_static_known_) {
    if (!crypto::diffie_hellman(self.private_key, remote_static_, static_static_)) return false;
    static_static_known_ = true;
  }
  crypto::kdf2(state.chaining_key.span(), static_static_.span(), state.chaining_key, *key);
  return true;
}

bool Handshake::create_initiation(const StaticIdentity& self, std::uint32_t local_index, WallTime wall,
                                  Entropy& entropy, InitiationSpan message) {
  clear();
  Secret<32> key;
  ephemeral_ = random_private_key(entropy);
  const PublicKey ephemeral_public = crypto::derive_public_key(ephemeral_);

  start(noise_, remote_static_);
  store_le(message.type().data(), static_cast<std::uint32_t>(MessageType::initiation));
  store_le(message.sender().data(), local_index);
  std::ranges::copy(ephemeral_public, message.ephemeral().begin());
  mix_ephemeral(noise_, ephemeral_public);
  if (!mix_dh(noise_, &key, ephemeral_, remote_static_)) return false;
  encrypt_and_hash(noise_, key, self.public_key, message.encrypted_static());
  if (!mix_static_static(self, noise_, &key)) return false;
  encrypt_and_hash(noise_, key, tai64n(wall), message.encrypted_timestamp());

  local_index_ = local_index;
  state_ = State::created_initiation;
  return true;
}

Handshake::Verdict Handshake::consume_initiation(const StaticIdentity& self, const OpenedInitiation& opened,
                                                 InitiationView message, Instant now) {
  NoiseState state{opened.state.chaining_key.clone(), opened.state.hash};
  Secret<32> key;
  Timestamp timestamp;
  if (!mix_static_static(self, state, &key)) return Verdict::rejected;
  if (!decrypt_and_hash(state, key, message.encrypted_timestamp(), timestamp)) return Verdict::rejected;

  // Big-endian, so the order of bytes is the order in time.
  if (!std::ranges::lexicographical_compare(latest_timestamp_, timestamp)) {
    const bool is_new =
        timestamp != latest_timestamp_ && std::ranges::lexicographical_compare(latest_stale_, timestamp);
    if (is_new) latest_stale_ = timestamp;
    return is_new ? Verdict::stale : Verdict::replayed;
  }
  constexpr auto min_gap = Duration{1s} / initiations_per_second;
  if (latest_initiation_ && now - *latest_initiation_ < min_gap) return Verdict::flood;

  clear();
  latest_timestamp_ = timestamp;
  latest_stale_ = {};
  latest_initiation_ = now;
  remote_ephemeral_ = to_key(message.ephemeral());
  remote_index_ = load_le<std::uint32_t>(message.sender().data());
  noise_ = std::move(state);
  state_ = State::consumed_initiation;
  return Verdict::accepted;
}

bool Handshake::create_response(std::uint32_t local_index, Entropy& entropy, ResponseSpan message) {
  CHECK(state_ == State::consumed_initiation);
  Secret<32> key;
  ephemeral_ = random_private_key(entropy);
  const PublicKey ephemeral_public = crypto::derive_public_key(ephemeral_);

  store_le(message.type().data(), static_cast<std::uint32_t>(MessageType::response));
  store_le(message.sender().data(), local_index);
  store_le(message.receiver().data(), remote_index_);
  std::ranges::copy(ephemeral_public, message.ephemeral().begin());
  mix_ephemeral(noise_, ephemeral_public);
  if (!mix_dh(noise_, nullptr, ephemeral_, remote_ephemeral_)) return false;
  if (!mix_dh(noise_, nullptr, ephemeral_, remote_static_)) return false;
  mix_preshared_key(noise_, preshared_key_, key);
  encrypt_and_hash(noise_, key, {}, message.encrypted_nothing());

  local_index_ = local_index;
  state_ = State::created_response;
  return true;
}

bool Handshake::consume_response(const StaticIdentity& self, ResponseView message) {
  if (state_ != State::created_initiation) return false;
  // A forged response must not spoil the handshake that is still waiting for the real one.
  NoiseState state{noise_.chaining_key.clone(), noise_.hash};
  Secret<32> key;
  const PublicKey remote_ephemeral = to_key(message.ephemeral());
  mix_ephemeral(state, remote_ephemeral);
  if (!mix_dh(state, nullptr, ephemeral_, remote_ephemeral)) return false;
  if (!mix_dh(state, nullptr, self.private_key, remote_ephemeral)) return false;
  mix_preshared_key(state, preshared_key_, key);
  if (!decrypt_and_hash(state, key, message.encrypted_nothing(), {})) return false;

  remote_ephemeral_ = remote_ephemeral;
  remote_index_ = load_le<std::uint32_t>(message.sender().data());
  noise_ = std::move(state);
  state_ = State::consumed_response;
  return true;
}

std::optional<TransportKeys> Handshake::begin_session() {
  if (state_ != State::created_response && state_ != State::consumed_response) return std::nullopt;
  TransportKeys keys;
  keys.initiator = state_ == State::consumed_response;
  keys.local_index = *local_index_;
  keys.remote_index = remote_index_;
  if (keys.initiator) {
    crypto::kdf2(noise_.chaining_key.span(), {}, keys.send, keys.receive);
  } else {
    crypto::kdf2(noise_.chaining_key.span(), {}, keys.receive, keys.send);
  }
  clear();
  return keys;
}

}  // namespace wg4
