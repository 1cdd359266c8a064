#pragma once

#include <sys/random.h>

#include <cerrno>
#include <cstddef>

#include "shared/base/bytes.h"
#include "shared/base/check.h"
#include "wg4netns/core/entropy.h"

namespace wg4 {

/// The kernel's generator, without a buffer: it is needed only a few times per handshake, and a buffer would be one
/// more secret to keep.
class SystemEntropy final : public Entropy {
 public:
  void fill(ByteSpan out) override {
    while (!out.empty()) {
      const ssize_t got = getrandom(out.data(), out.size(), 0);
      CHECK(got > 0 || errno == EINTR);
      if (got > 0) out = out.subspan(static_cast<std::size_t>(got));
    }
  }
};

}  // namespace wg4
