#pragma once
// Every implementation of sealing and opening that this CPU can run, for tests that compare each with libsodium.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "shared/base/bytes.h"
#include "tests/support/seeded_entropy.h"
#include "wg4netns/crypto/aead.h"
#include "wg4netns/crypto/aead_backends.h"
#include "wg4netns/crypto/lanes/job.h"

namespace wg4::crypto {

struct Subject {
  std::string name;
  std::unique_ptr<Aead> aead;

  Aead* operator->() const { return aead.get(); }
  Aead& operator*() const { return *aead; }
};

/// A vector kernel by itself, including the IFMA one with its instructions emulated.
struct NamedKernel {
  std::string name;
  const LaneKernel* kernel;
};
[[nodiscard]] std::vector<NamedKernel> all_kernels();

/// The backends as users get them, and each kernel with groups only, with single packets only, and beside a backend for
/// those.
[[nodiscard]] std::vector<Subject> all_subjects();

/// A key, bytes to seal, and libsodium's result; the same in each run.
class AeadFixture {
 public:
  static constexpr std::size_t max_length = 65535;

  explicit AeadFixture(std::uint64_t seed = 20250101);

  [[nodiscard]] const AeadKey& key() const { return key_; }
  [[nodiscard]] ByteView plaintext(std::size_t size) const { return ByteView(noise_).first(size); }
  [[nodiscard]] std::uint64_t counter();
  [[nodiscard]] std::uint32_t below(std::uint32_t end) { return chance_.below(end); }
  [[nodiscard]] std::vector<std::uint8_t> random(std::size_t size);
  /// plaintext(size) and zeros, sealed.
  [[nodiscard]] std::vector<std::uint8_t> expected(std::size_t size, std::size_t padding, std::uint64_t counter);

 private:
  test::SeededEntropy chance_;
  AeadKey key_;
  std::vector<std::uint8_t> noise_;
  std::unique_ptr<Aead> oracle_ = make_sodium_aead();
};

}  // namespace wg4::crypto
