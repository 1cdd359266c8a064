#include <sodium/crypto_aead_chacha20poly1305.h>
#include <sodium/utils.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include "shared/base/bytes.h"
#include "shared/base/check.h"
#include "wg4netns/crypto/aead.h"

namespace wg4::crypto {
namespace {

using Nonce = std::array<std::uint8_t, crypto_aead_chacha20poly1305_ietf_NPUBBYTES>;

Nonce nonce_of(std::uint64_t counter) {
  Nonce nonce{};
  store_le(nonce.data() + 4, counter);
  return nonce;
}

void seal(const AeadKey& key, const SealJob& job) {
  const Plaintext& plain = job.plaintext;
  if (plain.head.data() != job.out) copy_bytes(job.out, plain.head);
  if (plain.body.data() != job.out + plain.head.size()) copy_bytes(job.out + plain.head.size(), plain.body);
  std::memset(job.out + plain.size(), 0, job.padding);
  crypto_aead_chacha20poly1305_ietf_encrypt(job.out, nullptr, job.out, plain.size() + job.padding, nullptr, 0, nullptr,
                                            nonce_of(job.counter).data(), key.data());
}

bool open(const AeadKey& key, const OpenJob& job) {
  CHECK(job.data.size() >= aead_tag_size);
  return crypto_aead_chacha20poly1305_ietf_decrypt(job.data.data(), nullptr, nullptr, job.data.data(), job.data.size(),
                                                   nullptr, 0, nonce_of(job.counter).data(), key.data()) == 0;
}

/// Bytes of stack that a batch may take: libsodium wipes its state but not what the compiler spilled. A test enforces
/// this.
constexpr std::size_t batch_stack = std::size_t{4} * 1024;

/// Keeps no key: libsodium takes it for each packet.
class SodiumAead final : public Aead {
 public:
  [[nodiscard]] std::string_view name() const override { return "sodium"; }
  void seal_batch(const AeadKey& key, std::span<const SealJob> jobs) override {
    for (const SealJob& job : jobs) seal(key, job);
    sodium_stackzero(batch_stack);
  }
  void open_batch(const AeadKey& key, std::span<OpenJob> jobs) override {
    for (OpenJob& job : jobs) job.authentic = open(key, job);
    sodium_stackzero(batch_stack);
  }
  void forget_keys() override {}
};

}  // namespace

std::unique_ptr<Aead> make_sodium_aead() { return std::make_unique<SodiumAead>(); }

}  // namespace wg4::crypto
