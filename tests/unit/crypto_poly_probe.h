#pragma once

#include <cstddef>
#include <cstdint>

#include "tests/unit/crypto_lane_probes.h"
#include "wg4netns/crypto/lanes/poly.h"

namespace wg4::crypto {
namespace {

template <class Isa, class Poly>
void poly_tags(const std::uint32_t (*keys)[8], const std::uint64_t (*words)[2], std::size_t blocks,
               std::uint32_t (*tags)[4]) {
  using V = typename Isa::V;
  constexpr std::size_t lanes = Isa::lanes / 2;
  V key[8];
  for (std::size_t word = 0; word < 8; ++word) {
    alignas(64) std::uint32_t by_lane[Isa::lanes] = {};
    for (std::size_t lane = 0; lane < lanes; ++lane) by_lane[lane] = keys[lane][word];
    key[word] = Isa::load(by_lane);
  }
  Poly poly;
  poly.begin(key, 0);
  for (std::size_t block = 0; block < blocks; ++block, words += lanes) {
    alignas(64) std::uint64_t low[lanes];
    alignas(64) std::uint64_t high[lanes];
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      low[lane] = words[lane][0];
      high[lane] = words[lane][1];
    }
    poly.add(Isa::load(low), Isa::load(high), Isa::set64(~std::uint64_t{0}));
    poly.multiply_accumulator();
  }
  V tag[4];
  poly.finish(tag);
  for (std::size_t word = 0; word < 4; ++word) {
    alignas(64) std::uint64_t by_lane[lanes];
    Isa::store(by_lane, tag[word]);
    for (std::size_t lane = 0; lane < lanes; ++lane) tags[lane][word] = static_cast<std::uint32_t>(by_lane[lane]);
  }
}

}  // namespace
}  // namespace wg4::crypto
