// OpenSSL's EVP, used in its fastest way: one context per direction lives as long as the backend, the key is set once
// per batch, and only the nonce is set per packet. For small packets, setting key and cipher each time would cost more
// than the cipher itself.

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <sodium/utils.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/base/check.h"
#include "wg4netns/crypto/aead.h"

namespace wg4::crypto {
namespace {

struct Free {
  void operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER, Free>;
using Context = std::unique_ptr<EVP_CIPHER_CTX, Free>;
using Nonce = std::array<std::uint8_t, 12>;

Nonce nonce_of(std::uint64_t counter) {
  Nonce nonce{};
  store_le(nonce.data() + 4, counter);
  return nonce;
}

/// Pieces up to this size are copied together: that is cheaper than one more pass through EVP.
constexpr std::size_t gather_limit = 512;
constexpr std::array<std::uint8_t, 16> zeros{};

/// Bytes of stack that a batch may take: the assembly spills key words and key stream there. Wiped once per batch; a
/// test enforces this.
constexpr std::size_t batch_stack = std::size_t{4} * 1024;

class OpensslAead final : public Aead {
 public:
  /// Null when the library has no such cipher.
  static std::unique_ptr<OpensslAead> create();

  [[nodiscard]] std::string_view name() const override { return "openssl"; }
  void seal_batch(const AeadKey& key, std::span<const SealJob> jobs) override;
  void open_batch(const AeadKey& key, std::span<OpenJob> jobs) override;
  void forget_keys() override;

 private:
  OpensslAead(Cipher cipher, Context sealer, Context opener)
      : cipher_(std::move(cipher)), sealer_(std::move(sealer)), opener_(std::move(opener)) {}

  bool prepare();
  void seal(const SealJob& job);
  void encrypt(ByteView from, std::uint8_t* to);
  [[nodiscard]] bool open(const OpenJob& job);

  Cipher cipher_;
  Context sealer_;
  Context opener_;
};

std::unique_ptr<OpensslAead> OpensslAead::create() {
  Cipher cipher(EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr));
  Context sealer(EVP_CIPHER_CTX_new());
  Context opener(EVP_CIPHER_CTX_new());
  if (!cipher || !sealer || !opener) return nullptr;
  std::unique_ptr<OpensslAead> aead(new OpensslAead(std::move(cipher), std::move(sealer), std::move(opener)));
  return aead->prepare() ? std::move(aead) : nullptr;
}

/// Binds the contexts to the cipher, so that batches need not name it again.
bool OpensslAead::prepare() {
  return EVP_EncryptInit_ex2(sealer_.get(), cipher_.get(), nullptr, nullptr, nullptr) == 1 &&
         EVP_DecryptInit_ex2(opener_.get(), cipher_.get(), nullptr, nullptr, nullptr) == 1;
}

void OpensslAead::seal_batch(const AeadKey& key, std::span<const SealJob> jobs) {
  CHECK(EVP_EncryptInit_ex2(sealer_.get(), nullptr, key.data(), nullptr, nullptr) == 1);
  for (const SealJob& job : jobs) seal(job);
  sodium_stackzero(batch_stack);
}

void OpensslAead::encrypt(ByteView from, std::uint8_t* to) {
  int written = 0;
  CHECK(EVP_EncryptUpdate(sealer_.get(), to, &written, from.data(), static_cast<int>(from.size())) == 1);
}

void OpensslAead::seal(const SealJob& job) {
  CHECK(EVP_EncryptInit_ex2(sealer_.get(), nullptr, nullptr, nonce_of(job.counter).data(), nullptr) == 1);
  const auto& [head, body] = job.plaintext;
  std::uint8_t* const out = job.out;
  const std::size_t sealed_size = job.plaintext.size() + job.padding;
  const bool in_place = (head.empty() ? body : head).data() == out;
  if (in_place || sealed_size <= gather_limit) {
    if (!in_place) {
      copy_bytes(out, head);
      copy_bytes(out + head.size(), body);
    }
    std::memset(out + job.plaintext.size(), 0, job.padding);
    encrypt({out, sealed_size}, out);
  } else {
    if (!head.empty()) encrypt(head, out);
    if (!body.empty()) encrypt(body, out + head.size());
    if (job.padding > 0) encrypt(ByteView(zeros).first(job.padding), out + job.plaintext.size());
  }
  int written = 0;
  CHECK(EVP_EncryptFinal_ex(sealer_.get(), out + sealed_size, &written) == 1);
  CHECK(EVP_CIPHER_CTX_ctrl(sealer_.get(), EVP_CTRL_AEAD_GET_TAG, aead_tag_size, out + sealed_size) == 1);
}

void OpensslAead::open_batch(const AeadKey& key, std::span<OpenJob> jobs) {
  CHECK(EVP_DecryptInit_ex2(opener_.get(), nullptr, key.data(), nullptr, nullptr) == 1);
  for (OpenJob& job : jobs) job.authentic = open(job);
  sodium_stackzero(batch_stack);
}

bool OpensslAead::open(const OpenJob& job) {
  CHECK(job.data.size() >= aead_tag_size);
  const ByteSpan text = job.data.first(job.data.size() - aead_tag_size);
  const ByteSpan tag = job.data.last(aead_tag_size);
  const std::array<OSSL_PARAM, 2> with_tag = {
      OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag.data(), tag.size()),
      OSSL_PARAM_construct_end()};
  int written = 0;
  CHECK(EVP_DecryptInit_ex2(opener_.get(), nullptr, nullptr, nonce_of(job.counter).data(), with_tag.data()) == 1);
  CHECK(EVP_DecryptUpdate(opener_.get(), text.data(), &written, text.data(), static_cast<int>(text.size())) == 1);
  std::array<std::uint8_t, 1> nothing;  // a stream cipher has no last block
  if (EVP_DecryptFinal_ex(opener_.get(), nothing.data(), &written) == 1) return true;
  std::memset(text.data(), 0, text.size());
  return false;
}

/// Resets the contexts, which wipes key, key stream and the state of the one-time authenticator.
void OpensslAead::forget_keys() {
  EVP_CIPHER_CTX_reset(sealer_.get());
  EVP_CIPHER_CTX_reset(opener_.get());
  CHECK(prepare());
}

}  // namespace

std::unique_ptr<Aead> make_openssl_aead() { return OpensslAead::create(); }

}  // namespace wg4::crypto
