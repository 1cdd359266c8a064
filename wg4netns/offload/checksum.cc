#include "wg4netns/offload/checksum.h"

#include <array>
#include <cstring>

#include "wg4netns/offload/transport_header.h"

// A checksum is a plain sum, so it may be taken in lanes that are added up at the end. On x86 the code for the CPU's
// vector unit is selected when the program is loaded; code with sanitizers cannot run that early.
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(WG4_INSTRUMENTED)
#define WG4_VECTOR_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define WG4_VECTOR_CLONES
#endif

namespace wg4::offload {
namespace {

/// As wide as the registers of AVX2: GCC 12 splits wider vectors, and passes the pieces through memory.
using Lanes = std::uint64_t __attribute__((vector_size(32)));
constexpr std::size_t block_size = 2 * sizeof(Lanes);

/// Two sums, so that no addition waits for the one before it.
WG4_VECTOR_CLONES Sum add_blocks(const std::uint8_t* bytes, std::size_t count) {
  Lanes even{};
  Lanes odd{};
  for (const std::uint8_t* end = bytes + count * block_size; bytes != end; bytes += block_size) {
    Lanes first;
    Lanes second;
    std::memcpy(&first, bytes, sizeof(first));
    std::memcpy(&second, bytes + sizeof(first), sizeof(second));
    even += (first & 0xffffffff) + (first >> 32);
    odd += (second & 0xffffffff) + (second >> 32);
  }
  even += odd;
  Sum sum = 0;
  for (std::size_t i = 0; i < sizeof(even) / sizeof(sum); ++i) sum += even[i];
  return sum;
}

/// Adds the next sizeof(Word) bytes, and removes them from `bytes`.
template <class Word>
Sum add_front(Sum sum, ByteView& bytes) {
  Word word = 0;
  std::memcpy(&word, bytes.data(), sizeof(word));
  bytes = bytes.subspan(sizeof(word));
  const std::uint64_t quad = word;
  return sum + (quad & 0xffffffff) + (quad >> 32);
}

}  // namespace

Sum add_bytes(Sum sum, ByteView bytes) {
  if (const std::size_t blocks = bytes.size() / block_size; blocks > 0) {
    sum += add_blocks(bytes.data(), blocks);
    bytes = bytes.subspan(blocks * block_size);
  }
  while (bytes.size() >= sizeof(std::uint64_t)) sum = add_front<std::uint64_t>(sum, bytes);
  if (bytes.size() >= sizeof(std::uint32_t)) sum = add_front<std::uint32_t>(sum, bytes);
  if (bytes.size() >= sizeof(std::uint16_t)) sum = add_front<std::uint16_t>(sum, bytes);
  if (bytes.empty()) return sum;
  const std::array<std::uint8_t, 2> padded{bytes[0], 0};
  return add_bytes(sum, padded);
}

void store_checksum(std::uint8_t* field, Sum sum) {
  const auto checksum = static_cast<std::uint16_t>(~fold(sum));
  std::memcpy(field, &checksum, sizeof(checksum));
}

Sum pseudo_header(const std::uint8_t* ip_header, std::uint8_t protocol) {
  const bool v4 = ip_header[0] >> 4 == 4;
  const ByteView addresses = v4 ? ByteView(ip_header + v4_addresses, 8) : ByteView(ip_header + v6_addresses, 32);
  return add_word(add_bytes(0, addresses), protocol);
}

}  // namespace wg4::offload
