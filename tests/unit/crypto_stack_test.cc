// After a batch, nothing secret is left in the stack below the caller or in vector registers: neither key nor one-time
// keys nor key stream, in whatever order the backends hold them.

#include <doctest/doctest.h>
#include <sodium/crypto_stream_chacha20.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "shared/base/bytes.h"
#include "tests/unit/crypto_lane_probes.h"
#include "tests/unit/crypto_subjects.h"
#include "wg4netns/crypto/aead.h"
#include "wg4netns/crypto/lanes/job.h"
#include "wg4netns/crypto/startup.h"

#define NOT_SANITIZED __attribute__((noinline, no_sanitize("address", "undefined")))

namespace wg4::crypto {
namespace {

constexpr std::size_t packets = 16;
constexpr std::size_t packet_size = 300;
constexpr std::size_t stream_blocks = 6;  // block 0 is the one-time key
constexpr std::size_t depth = std::size_t{64} * 1024;
constexpr std::uint8_t paint = 0xa5;
constexpr std::size_t wiping = 32;  // bytes below the caller that the wiping function uses itself

using Pattern = std::array<std::uint32_t, 4>;
using Stream = std::array<std::array<std::uint32_t, 16 * stream_blocks>, packets>;

/// 16-byte patterns to search for, masked so that the list itself does not match.
class Secrets {
 public:
  explicit Secrets(const AeadKey& key) {
    for (std::size_t word = 0; word < 8; ++word) add_spread(load_le<std::uint32_t>(key.data() + 4 * word));
    add({load_le<std::uint32_t>(key.data()), load_le<std::uint32_t>(key.data() + 4),
         load_le<std::uint32_t>(key.data() + 8), load_le<std::uint32_t>(key.data() + 12)});
    add({load_le<std::uint32_t>(key.data() + 16), load_le<std::uint32_t>(key.data() + 20),
         load_le<std::uint32_t>(key.data() + 24), load_le<std::uint32_t>(key.data() + 28)});
    Stream stream;
    for (std::size_t packet = 0; packet < packets; ++packet) {
      std::array<std::uint8_t, crypto_stream_chacha20_ietf_NONCEBYTES> nonce{};
      store_le(nonce.data() + 4, std::uint64_t{packet});
      crypto_stream_chacha20_ietf(reinterpret_cast<std::uint8_t*>(stream[packet].data()), 64 * stream_blocks,
                                  nonce.data(), key.data());
    }
    add_stream(stream);
    add_one_time_keys(stream);
    std::ranges::sort(masked_);
  }

  [[nodiscard]] NOT_SANITIZED bool has(const std::uint32_t* words) const {
    const Pattern sought = {words[0] ^ mask, words[1] ^ mask, words[2] ^ mask, words[3] ^ mask};
    return std::ranges::binary_search(masked_, sought);
  }

 private:
  static constexpr std::uint32_t mask = 0x96c3a55a;

  void add(const Pattern& words) {
    masked_.push_back({words[0] ^ mask, words[1] ^ mask, words[2] ^ mask, words[3] ^ mask});
  }
  /// The same number in each lane.
  void add_spread(std::uint32_t word) { add({word, word, word, word}); }
  /// 64-bit numbers in neighbouring lanes.
  void add_pair(std::uint64_t a, std::uint64_t b) {
    add({static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(a >> 32), static_cast<std::uint32_t>(b),
         static_cast<std::uint32_t>(b >> 32)});
  }

  /// By packet, by block, and in the byte order of the packet.
  void add_stream(const Stream& stream) {
    for (std::size_t word = 0; word < 16 * stream_blocks; ++word) {
      for (std::size_t packet = 0; packet < packets; packet += 4)
        add({stream[packet][word], stream[packet + 1][word], stream[packet + 2][word], stream[packet + 3][word]});
    }
    for (const auto& words : stream) {
      for (std::size_t word = 0; word < 16 * stream_blocks; word += 4)
        add({words[word], words[word + 1], words[word + 2], words[word + 3]});
      for (std::size_t word = 0; word < 16; ++word)
        add({words[word], words[16 + word], words[32 + word], words[48 + word]});
    }
  }

  void add_one_time_keys(const Stream& stream) {
    for (std::size_t packet = 0; packet < packets; ++packet) {
      const std::vector<std::uint64_t> ours = numbers(stream[packet]);
      const std::vector<std::uint64_t> next = numbers(stream[(packet + 1) % packets]);
      for (std::size_t i = 0; i < ours.size(); ++i) {
        add_pair(ours[i], next[i]);
        add_pair(ours[i], ours[i]);
      }
    }
  }

  /// The numbers of Poly1305, in any radix: r, its multiples for the reduction, and s.
  static std::vector<std::uint64_t> numbers(const std::array<std::uint32_t, 16 * stream_blocks>& key) {
    const std::uint64_t low = (key[0] & 0x0fffffffU) | std::uint64_t{key[1] & 0x0ffffffcU} << 32;
    const std::uint64_t high = (key[2] & 0x0ffffffcU) | std::uint64_t{key[3] & 0x0ffffffcU} << 32;
    constexpr std::uint64_t mask26 = (1U << 26) - 1;
    constexpr std::uint64_t mask44 = (std::uint64_t{1} << 44) - 1;
    std::vector<std::uint64_t> list = {low, high, low & mask26, low & mask44};
    for (const std::uint64_t limb :
         {(low >> 26) & mask26, (low >> 52 | high << 12) & mask26, (high >> 14) & mask26, high >> 40}) {
      list.push_back(limb);
      list.push_back(5 * limb);
    }
    for (const std::uint64_t limb : {(low >> 44 | high << 20) & mask44, high >> 24}) {
      list.push_back(limb);
      list.push_back(20 * limb);
    }
    for (std::size_t i = 4; i < 8; ++i) list.push_back(key[i]);
    return list;
  }

  std::vector<Pattern> masked_;
};

/// The contents of the stack that a call has left below its caller.
struct Remains {
  std::size_t secrets = 0;  ///< patterns found
  std::size_t dirty = 0;    ///< bytes that are neither paint nor zero, except in the frames next to the caller
};

NOT_SANITIZED void paint_stack() {
  volatile std::uint8_t area[depth];
  for (volatile std::uint8_t& byte : area) byte = paint;
}

/// `top` is near the caller's frame.
NOT_SANITIZED Remains look(const std::uint8_t* top, const Secrets& secrets, std::vector<std::uint32_t>& copy) {
  const auto* words = reinterpret_cast<const volatile std::uint32_t*>(top - depth + 1024);
  for (std::size_t i = 0; i < copy.size(); ++i) copy[i] = words[i];
  Remains remains;
  for (std::size_t i = 0; i + 4 <= copy.size(); ++i) remains.secrets += secrets.has(&copy[i]) ? 1U : 0U;
  constexpr std::size_t near_frames = 1024;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(copy.data());
  for (std::size_t i = 0; i + near_frames < 4 * copy.size(); ++i)
    remains.dirty += bytes[i] != paint && bytes[i] != 0 ? 1U : 0U;
  return remains;
}

/// Calls `run` on a painted stack.
template <class Run>
NOT_SANITIZED Remains remains_of(const Secrets& secrets, Run run) {
  std::vector<std::uint32_t> copy((depth - 1024) / 4);
  const std::uint8_t* const top =
      reinterpret_cast<const std::uint8_t*>(reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) & ~15UL);
  paint_stack();
  run();
  return look(top, secrets, copy);
}

struct Packets {
  std::vector<std::vector<std::uint8_t>> bytes;
  std::vector<SealJob> seal;
  std::vector<OpenJob> open;

  explicit Packets(std::size_t count) : bytes(count, std::vector<std::uint8_t>(packet_size + aead_tag_size)) {
    for (std::size_t i = 0; i < count; ++i) {
      seal.push_back({{{}, ByteView(bytes[i]).first(packet_size)}, 0, bytes[i].data(), i});
      open.push_back({bytes[i], i});
    }
  }
};

TEST_CASE("Backends leave no secrets in the stack") {
  REQUIRE(start_up());
  const AeadFixture fixture;
  const Secrets secrets(fixture.key());
  for (const Subject& aead : all_subjects()) {
    CAPTURE(aead.name);
    for (const std::size_t count : {std::size_t{1}, packets}) {
      Packets batch(count);
      const Remains sealing = remains_of(secrets, [&] { aead->seal_batch(fixture.key(), batch.seal); });
      CHECK(sealing.secrets == 0);
      CHECK(sealing.dirty <= wiping);
      batch.bytes[0][0] ^= 1;  // a forgery, whose correct tag must remain secret
      const Remains opening = remains_of(secrets, [&] { aead->open_batch(fixture.key(), batch.open); });
      CHECK(opening.secrets == 0);
      CHECK(opening.dirty <= wiping);
      CHECK_FALSE(batch.open[0].authentic);
      CHECK(std::ranges::all_of(batch.open.begin() + 1, batch.open.end(), &OpenJob::authentic));
    }
  }
}

std::array<LaneJob, max_lanes> lanes_of(Packets& batch) {
  std::array<LaneJob, max_lanes> lanes;
  for (std::size_t i = 0; i < batch.bytes.size(); ++i) {
    lanes[i].body = lanes[i].out = batch.bytes[i].data();
    lanes[i].text_size = lanes[i].size = packet_size;
    lanes[i].counter = i;
  }
  return lanes;
}

TEST_CASE("The search finds what a kernel leaves before it is wiped") {
  const AeadFixture fixture;
  const Secrets secrets(fixture.key());
  for (const NamedKernel& kernel : all_kernels()) {
    CAPTURE(kernel.name);
    Packets batch(kernel.kernel->lanes);
    auto lanes = lanes_of(batch);
    CHECK(remains_of(secrets, [&] {
            kernel.kernel->seal(fixture.key().data(), lanes.data(), batch.bytes.size());
          }).secrets > 0);
    CHECK(remains_of(secrets, [&] { kernel.kernel->open_single(fixture.key().data(), lanes[0]); }).secrets > 0);
  }
}

#if defined(__x86_64__)
TEST_CASE("Kernels clear the vector registers") {
  const AeadFixture fixture;
  for (const NamedKernel& kernel : all_kernels()) {
    CAPTURE(kernel.name);
    const auto registers_are_clear =
        kernel.kernel == &avx2_kernel ? avx2_registers_are_clear : avx512_registers_are_clear;
    Packets batch(kernel.kernel->lanes);
    auto lanes = lanes_of(batch);
    kernel.kernel->seal(fixture.key().data(), lanes.data(), batch.bytes.size());
    const bool after_seal = registers_are_clear();
    kernel.kernel->open(fixture.key().data(), lanes.data(), batch.bytes.size());
    const bool after_open = registers_are_clear();
    kernel.kernel->seal_single(fixture.key().data(), lanes[0]);
    const bool after_seal_single = registers_are_clear();
    kernel.kernel->open_single(fixture.key().data(), lanes[0]);
    const bool after_open_single = registers_are_clear();
    CHECK(after_seal);
    CHECK(after_open);
    CHECK(after_seal_single);
    CHECK(after_open_single);
  }
}
#endif

}  // namespace
}  // namespace wg4::crypto
