#include "wg4netns/offload/checksum.h"

#include <bit>
#include <cstring>

#include "wg4netns/offload/transport_header.h"

// A checksum is a plain sum, so it may be taken in lanes that are added up at the end. On x86 the widest vector unit
// that the CPU has is chosen when the program is loaded; instrumented code cannot run that early.
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(WG4_INSTRUMENTED)
#define WG4_VECTOR_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WG4_VECTOR_CLONES
#endif

namespace wg4::offload {
namespace {

using Lanes = std::uint64_t __attribute__((vector_size(64)));

WG4_VECTOR_CLONES Sum add_blocks(const std::uint8_t* bytes, std::size_t count) {
  Lanes lanes{};
  for (const std::uint8_t* end = bytes + count * sizeof(lanes); bytes != end; bytes += sizeof(lanes)) {
    Lanes quads;
    std::memcpy(&quads, bytes, sizeof(quads));
    lanes += (quads & 0xffffffff) + (quads >> 32);
  }
  Sum sum = 0;
  for (std::size_t i = 0; i < sizeof(lanes) / sizeof(sum); ++i) sum += lanes[i];
  return sum;
}

Sum add_quad(Sum sum, std::uint64_t quad) { return sum + (quad & 0xffffffff) + (quad >> 32); }

}  // namespace

Sum add_bytes(Sum sum, ByteView bytes) {
  if (const std::size_t blocks = bytes.size() / sizeof(Lanes); blocks > 0) {
    sum += add_blocks(bytes.data(), blocks);
    bytes = bytes.subspan(blocks * sizeof(Lanes));
  }
  std::uint64_t quad = 0;
  for (; bytes.size() >= sizeof(quad); bytes = bytes.subspan(sizeof(quad))) {
    std::memcpy(&quad, bytes.data(), sizeof(quad));
    sum = add_quad(sum, quad);
  }
  quad = 0;
  if (!bytes.empty()) std::memcpy(&quad, bytes.data(), bytes.size());
  return add_quad(sum, quad);
}

Sum add_word(Sum sum, std::uint16_t value) { return sum + to_or_from<std::endian::big>(value); }

std::uint16_t fold(Sum sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
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
