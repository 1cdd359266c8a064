#include "wg4netns/core/cookie.h"

#include <array>
#include <cstddef>
#include <utility>

#include "shared/base/check.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/crypto/small_aead.h"

namespace wg4 {
namespace {

constexpr std::size_t mac_size = crypto::mac_size;
constexpr std::size_t nonce_size = 24;

using Label = std::array<std::uint8_t, 8>;
constexpr Label mac1_label = {'m', 'a', 'c', '1', '-', '-', '-', '-'};
constexpr Label cookie_label = {'c', 'o', 'o', 'k', 'i', 'e', '-', '-'};

/// A handshake message as the macs see it: msg_alpha || mac1 || mac2.
template <class Byte>
struct Macs {
  std::span<Byte> message;

  [[nodiscard]] ByteView before_mac1() const { return message.first(message.size() - 2 * mac_size); }
  [[nodiscard]] ByteView before_mac2() const { return message.first(message.size() - mac_size); }
  [[nodiscard]] auto mac1() const { return message.last(2 * mac_size).template first<mac_size>(); }
  [[nodiscard]] auto mac2() const { return message.template last<mac_size>(); }
};
using MacsView = Macs<const std::uint8_t>;
using MacsSpan = Macs<std::uint8_t>;

/// Type, receiver, nonce and sealed cookie (whitepaper 5.4.7).
template <class Byte>
struct CookieReply {
  std::span<Byte, cookie_reply_size> wire;

  [[nodiscard]] auto type() const { return wire.template subspan<0, 4>(); }
  [[nodiscard]] auto receiver() const { return wire.template subspan<4, 4>(); }
  [[nodiscard]] auto nonce() const { return wire.template subspan<8, nonce_size>(); }
  [[nodiscard]] auto sealed_cookie() const { return wire.template subspan<8 + nonce_size, mac_size + tag_size>(); }
};

/// At the same offset in both kinds of handshake message.
ByteView sender_index(ByteView message) { return message.subspan(4, 4); }

}  // namespace

CookieKeys::CookieKeys(const PublicKey& responder)
    : mac1(crypto::blake2s(mac1_label, responder)), encryption(crypto::blake2s(cookie_label, responder)) {}

bool CookieChecker::check_mac1(ByteView message) const {
  const MacsView macs{message};
  return crypto::mac_equals(crypto::blake2s_mac(keys_.mac1.span(), macs.before_mac1()), macs.mac1());
}

bool CookieChecker::check_mac2(ByteView message, const Endpoint& from, Instant now, Entropy& entropy) {
  const MacsView macs{message};
  const Cookie cookie = cookie_for(from, now, entropy);
  return crypto::mac_equals(crypto::blake2s_mac(cookie.span(), macs.before_mac2()), macs.mac2());
}

void CookieChecker::make_reply(ByteView message, const Endpoint& to, Instant now, Entropy& entropy,
                               std::span<std::uint8_t, cookie_reply_size> reply) {
  const CookieReply<std::uint8_t> out{reply};
  store_le(out.type().data(), static_cast<std::uint32_t>(MessageType::cookie_reply));
  copy_bytes(out.receiver().data(), sender_index(message));
  entropy.fill(out.nonce());
  const Cookie cookie = cookie_for(to, now, entropy);
  crypto::xseal(keys_.encryption, out.nonce(), cookie.span(), MacsView{message}.mac1(), out.sealed_cookie());
}

Cookie CookieChecker::cookie_for(const Endpoint& sender, Instant now, Entropy& entropy) {
  if (!secret_made_ || now - *secret_made_ >= cookie_secret_max_age) {
    entropy.fill(secret_.span());
    secret_made_ = now;
  }
  std::array<std::uint8_t, 2> port;
  store_be(port.data(), sender.port);
  Cookie cookie;
  crypto::Blake2s mac(mac_size, secret_.span());
  mac.update(sender.address.bytes());
  mac.update(port);
  mac.finish(cookie.span());
  return cookie;
}

void CookieJar::add_macs(ByteSpan message, Instant now) {
  const MacsSpan macs{message};
  awaiting_reply_ = crypto::blake2s_mac(keys_.mac1.span(), macs.before_mac1());
  copy_bytes(macs.mac1().data(), *awaiting_reply_);
  const bool fresh = cookie_received_ && now - *cookie_received_ < cookie_secret_max_age - cookie_latency;
  const crypto::Mac mac2 = fresh ? crypto::blake2s_mac(cookie_.span(), macs.before_mac2()) : crypto::Mac{};
  copy_bytes(macs.mac2().data(), mac2);
}

bool CookieJar::consume_reply(ByteView reply, Instant now) {
  CHECK(reply.size() == cookie_reply_size);
  if (!awaiting_reply_) return false;
  const CookieReply<const std::uint8_t> in{reply.first<cookie_reply_size>()};
  Cookie cookie;
  if (!crypto::xopen(keys_.encryption, in.nonce(), in.sealed_cookie(), *awaiting_reply_, cookie.span())) return false;
  cookie_ = std::move(cookie);
  cookie_received_ = now;
  awaiting_reply_.reset();
  return true;
}

}  // namespace wg4
