#include "tests/support/raw_peer.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <string_view>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/check.h"
#include "shared/base/hex_base64.h"
#include "shared/base/secret.h"
#include "tests/support/seeded_entropy.h"
#include "wg4netns/core/messages.h"
#include "wg4netns/crypto/aead.h"
#include "wg4netns/crypto/curve25519.h"
#include "wg4netns/crypto/small_aead.h"

namespace wg4::test {
namespace {

ByteView bytes_of(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

PublicKey key_at(ByteView message, std::size_t offset) {
  PublicKey key;
  std::ranges::copy(message.subspan(offset, key_size), key.begin());
  return key;
}

/// Zero where a careful implementation refuses the point: this peer accepts every point.
Secret<32> careless_dh(const PrivateKey& mine, const PublicKey& theirs) {
  Secret<32> shared;
  if (!crypto::diffie_hellman(mine, theirs, shared)) shared.wipe();
  return shared;
}

void append(Bytes& to, ByteView bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

void append_u32(Bytes& to, std::uint32_t value) {
  to.resize(to.size() + 4);
  store_le(to.data() + to.size() - 4, value);
}

Bytes seal_field(const Secret<32>& key, ByteView plaintext, ByteView associated) {
  Bytes out(plaintext.size() + tag_size);
  crypto::seal_once(key, plaintext, associated, out);
  return out;
}

}  // namespace

RawPeer::RawPeer(std::uint64_t seed, const PublicKey& remote) : remote_static(remote) {
  SeededEntropy entropy(seed);
  entropy.fill(static_private_.span());
  entropy.fill(ephemeral_.span());
  crypto::clamp(static_private_);
  crypto::clamp(ephemeral_);
  static_public_ = crypto::derive_public_key(static_private_);
}

void RawPeer::start(const PublicKey& responder) {
  chain_.assign(crypto::blake2s(bytes_of("Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s")));
  hash_ = crypto::blake2s(chain_.span(), bytes_of("WireGuard v1 zx2c4 Jason@zx2c4.com"));
  mix_hash(responder);
  ephemeral_.data()[1] += 1;  // a new one each time
}

void RawPeer::mix_key(ByteView input) { crypto::kdf1(chain_.span(), input, chain_); }

void RawPeer::mix_key_and(ByteView input, Secret<32>& key) { crypto::kdf2(chain_.span(), input, chain_, key); }

void RawPeer::add_macs(Bytes& message) {
  last_mac1_ = crypto::blake2s_mac(crypto::blake2s(bytes_of("mac1----"), remote_static), message);
  append(message, last_mac1_);
  append(message, cookie ? crypto::blake2s_mac(*cookie, message) : crypto::Mac{});
}

Bytes RawPeer::initiation() {
  Secret<32> key;
  start(remote_static);
  const PublicKey ephemeral = posed_ephemeral.value_or(crypto::derive_public_key(ephemeral_));
  const PublicKey claimed = posed_static.value_or(static_public_);
  Bytes message;
  append_u32(message, 1);
  append_u32(message, ++index);
  append(message, ephemeral);
  mix_hash(ephemeral);
  mix_key(ephemeral);
  // Compute the result that the other side gets from a posed key.
  mix_key_and(posed_ephemeral ? Secret<32>().span() : careless_dh(ephemeral_, remote_static).span(), key);
  const Bytes sealed_static = seal_field(key, claimed, hash_);
  mix_hash(sealed_static);
  append(message, sealed_static);
  mix_key_and(posed_static ? Secret<32>().span() : careless_dh(static_private_, remote_static).span(), key);
  const Bytes sealed_timestamp = seal_field(key, tai64n(wall += std::chrono::seconds(1)), hash_);
  mix_hash(sealed_timestamp);
  append(message, sealed_timestamp);
  add_macs(message);
  return message;
}

bool RawPeer::finish(ByteView response) {
  CHECK(response.size() == response_size);
  if (load_le<std::uint32_t>(response.data() + 8) != index) return false;
  const PublicKey theirs = key_at(response, 12);
  Secret<32> key;
  Secret<32> t;
  mix_hash(theirs);
  mix_key(theirs);
  mix_key(careless_dh(ephemeral_, theirs).span());
  mix_key(careless_dh(static_private_, theirs).span());
  crypto::kdf3(chain_.span(), preshared_key.span(), chain_, t, key);
  mix_hash(t.span());
  if (!crypto::open_once(key, response.subspan(44, tag_size), hash_, {})) return false;
  crypto::kdf2(chain_.span(), {}, send_key_, receive_key_);
  session_remote_index_ = load_le<std::uint32_t>(response.data() + 4);
  return true;
}

std::optional<Bytes> RawPeer::answer(ByteView initiation) {
  CHECK(initiation.size() == initiation_size);
  const PublicKey theirs = key_at(initiation, 8);
  Secret<32> key;
  Secret<32> t;
  PublicKey initiator;
  Timestamp timestamp;
  start(static_public_);
  mix_hash(theirs);
  mix_key(theirs);
  mix_key_and(careless_dh(static_private_, theirs).span(), key);
  if (!crypto::open_once(key, initiation.subspan(40, 48), hash_, initiator)) return std::nullopt;
  mix_hash(initiation.subspan(40, 48));
  mix_key_and(careless_dh(static_private_, initiator).span(), key);
  if (!crypto::open_once(key, initiation.subspan(88, 28), hash_, timestamp)) return std::nullopt;
  mix_hash(initiation.subspan(88, 28));

  const PublicKey ephemeral = posed_ephemeral.value_or(crypto::derive_public_key(ephemeral_));
  Bytes message;
  append_u32(message, 2);
  append_u32(message, ++index);
  append(message, initiation.subspan(4, 4));
  append(message, ephemeral);
  mix_hash(ephemeral);
  mix_key(ephemeral);
  mix_key(posed_ephemeral ? Secret<32>().span() : careless_dh(ephemeral_, theirs).span());
  mix_key(posed_ephemeral ? Secret<32>().span() : careless_dh(ephemeral_, initiator).span());
  crypto::kdf3(chain_.span(), preshared_key.span(), chain_, t, key);
  mix_hash(t.span());
  append(message, seal_field(key, {}, hash_));
  add_macs(message);
  crypto::kdf2(chain_.span(), {}, receive_key_, send_key_);
  session_remote_index_ = load_le<std::uint32_t>(initiation.data() + 4);
  return message;
}

bool RawPeer::take_cookie(ByteView reply) {
  CHECK(reply.size() == cookie_reply_size);
  const Secret<32> key(crypto::blake2s(bytes_of("cookie--"), remote_static));
  crypto::Mac opened;
  if (!crypto::xopen(key, reply.subspan<8, 24>(), reply.subspan(32), last_mac1_, opened)) return false;
  cookie = opened;
  return true;
}

Bytes RawPeer::seal(std::uint64_t counter, ByteView plaintext) const {
  Bytes datagram;
  append_u32(datagram, 4);
  append_u32(datagram, session_remote_index_);
  datagram.resize(data_overhead + plaintext.size());
  store_le(datagram.data() + 8, counter);
  const crypto::SealJob job{{{}, plaintext}, 0, datagram.data() + data_header_size, counter};
  crypto::make_sodium_aead()->seal_batch(send_key_, {&job, 1});
  return datagram;
}

std::optional<Bytes> RawPeer::open(ByteView datagram) const {
  if (datagram.size() < data_overhead) return std::nullopt;
  Bytes sealed(datagram.begin() + data_header_size, datagram.end());
  crypto::OpenJob job{sealed, load_le<std::uint64_t>(datagram.data() + 8)};
  crypto::make_sodium_aead()->open_batch(receive_key_, {&job, 1});
  if (!job.authentic) return std::nullopt;
  sealed.resize(sealed.size() - tag_size);
  return sealed;
}

std::vector<PublicKey> low_order_points() {
  constexpr std::array<std::string_view, 7> points = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
      "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  };
  std::vector<PublicKey> all;
  for (const std::string_view point : points) {
    PublicKey key;
    CHECK(decode_hex(point, key));
    all.push_back(key);
    key[31] |= 0x80;  // the top bit is not part of the point
    all.push_back(key);
  }
  return all;
}

}  // namespace wg4::test
