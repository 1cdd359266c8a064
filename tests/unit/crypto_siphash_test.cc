#include <doctest/doctest.h>

#include <array>
#include <cstdint>

#include "wg4netns/crypto/siphash.h"

namespace wg4::crypto {
namespace {

TEST_CASE("SipHash-2-4: the example of its paper, appendix A") {
  SipKey key;
  std::array<std::uint8_t, 15> input;
  for (std::uint8_t i = 0; i < 16; ++i) key.data()[i] = i;
  for (std::uint8_t i = 0; i < 15; ++i) input[i] = i;
  CHECK(siphash(key, input) == 0xa129ca6149be45e5);
}

}  // namespace
}  // namespace wg4::crypto
