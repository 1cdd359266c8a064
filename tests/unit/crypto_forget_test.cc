// After forget_keys() no byte sequence of the key is left anywhere in the memory of this process: heap, stack, data.

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string_view>
#include <vector>

#include "shared/base/bytes.h"
#include "tests/support/seeded_entropy.h"
#include "wg4netns/crypto/aead.h"
#include "wg4netns/crypto/aead_backends.h"
#include "wg4netns/crypto/blake2s.h"
#include "wg4netns/crypto/startup.h"

namespace wg4::crypto {
namespace {

/// A key that is in memory only in masked form, except in the AeadKeys made from it.
class HiddenKey {
 public:
  explicit HiddenKey(std::uint64_t seed) {
    test::SeededEntropy chance(seed);
    chance.fill(masked_);
  }
  void reveal(AeadKey& key) const {
    for (std::size_t i = 0; i < masked_.size(); ++i) key.data()[i] = masked_[i] ^ mask;
  }
  [[nodiscard]] __attribute__((no_sanitize("address", "undefined"))) bool half_is_at(const std::uint8_t* bytes,
                                                                                     std::size_t half) const {
    for (std::size_t i = 0; i < 16; ++i) {
      if (bytes[i] != (masked_[half * 16 + i] ^ mask)) return false;
    }
    return true;
  }

 private:
  static constexpr std::uint8_t mask = 0x5a;
  std::array<std::uint8_t, 32> masked_{};
};

struct Range {
  const std::uint8_t* begin;
  const std::uint8_t* end;
};

std::vector<Range> writable_memory() {
  std::FILE* const maps = std::fopen("/proc/self/maps", "r");
  REQUIRE(maps != nullptr);
  std::vector<Range> ranges;
  std::array<char, 512> line;
  while (std::fgets(line.data(), line.size(), maps) != nullptr) {
    void* begin = nullptr;
    void* end = nullptr;
    std::array<char, 5> mode{};
    if (std::sscanf(line.data(), "%p-%p %4s", &begin, &end, mode.data()) != 3) continue;
    const Range range{static_cast<const std::uint8_t*>(begin), static_cast<const std::uint8_t*>(end)};
    constexpr std::ptrdiff_t shadow_of_a_sanitizer = std::ptrdiff_t{64} << 20;
    if (mode[0] == 'r' && mode[1] == 'w' && range.end - range.begin < shadow_of_a_sanitizer) ranges.push_back(range);
  }
  std::fclose(maps);
  return ranges;
}

/// How many halves of the key are found, at any address.
__attribute__((no_sanitize("address", "undefined"))) std::size_t traces_of(
    const HiddenKey& key, const std::vector<Range>& memory = writable_memory()) {
  std::size_t found = 0;
  for (const Range& range : memory) {
    constexpr std::ptrdiff_t half = 16;
    constexpr std::ptrdiff_t word = sizeof(std::uint32_t);  // ciphers keep keys as words
    for (const std::uint8_t* at = range.begin; range.end - at >= half; at += word) {
      if (key.half_is_at(at, 0) || key.half_is_at(at, 1)) ++found;
    }
  }
  return found;
}

void use(Aead& aead, const AeadKey& key) {
  for (const std::size_t length : {std::size_t{40}, std::size_t{300}, std::size_t{1420}, std::size_t{9000}}) {
    std::vector<std::uint8_t> bytes(length + aead_tag_size);
    const SealJob seal{{{}, ByteView(bytes).first(length)}, 0, bytes.data(), length};
    aead.seal_batch(key, {&seal, 1});
    OpenJob open{bytes, length};
    aead.open_batch(key, {&open, 1});
    REQUIRE(open.authentic);
  }
}

TEST_CASE("The search finds a key that is there") {
  const HiddenKey hidden(1);
  CHECK(traces_of(hidden) == 0);
  AeadKey key;
  hidden.reveal(key);
  CHECK(traces_of(hidden) >= 2);
  key.wipe();
  CHECK(traces_of(hidden) == 0);
}

TEST_CASE("Backends leave no key behind") {
  REQUIRE(start_up());
  std::uint64_t seed = 100;
  for (const std::string_view name : available_backends()) {
    CAPTURE(name);
    const std::unique_ptr<Aead> aead = make_backend(name);
    REQUIRE(aead != nullptr);
    const HiddenKey hidden(++seed);
    {
      AeadKey key;
      hidden.reveal(key);
      use(*aead, key);
    }
    aead->forget_keys();
    CHECK(traces_of(hidden) == 0);
  }
}

TEST_CASE("OpenSSL's contexts do hold the key until then") {
  const auto aead = make_openssl_aead();
  const HiddenKey hidden(200);
  {
    AeadKey key;
    hidden.reveal(key);
    use(*aead, key);
  }
  CHECK(traces_of(hidden) > 0);
  aead->forget_keys();
  CHECK(traces_of(hidden) == 0);
}

#ifdef __OPTIMIZE__
constexpr bool optimized = true;
#else
constexpr bool optimized = false;  // then each argument that is passed, words of a key among them, has a stack slot
#endif

TEST_CASE("A keyed hash leaves no key behind" * doctest::skip(!optimized)) {
  const HiddenKey hidden(300);
  // Read before: for this the C library would save vector registers on the stack, and with them the key.
  const std::vector<Range> memory = writable_memory();
  Mac mac{};
  {
    AeadKey key;
    hidden.reveal(key);
    mac = blake2s_mac(key.span(), {});
  }
  CHECK(traces_of(hidden, memory) == 0);
  CHECK(mac != Mac{});
}

}  // namespace
}  // namespace wg4::crypto
