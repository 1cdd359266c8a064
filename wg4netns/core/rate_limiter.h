#pragma once
// Under load, handshake messages of one source are limited by a token bucket (whitepaper 5.3). A source is an IPv4
// address or an IPv6 /64, since a host with one address of a /64 usually has them all. The table is bounded, and hashed
// with a secret, so that no choice of addresses makes it slow. Once a second, sources that have been quiet for a
// second, whose buckets are full again, are removed. When the table is full of active sources, new ones are refused:
// the flood then has too many real addresses for cookies to stop it, and the sources in the table keep their rate.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "shared/net/ip_address.h"
#include "wg4netns/core/entropy.h"
#include "wg4netns/core/time.h"
#include "wg4netns/crypto/siphash.h"

namespace wg4 {

class RateLimiter {
 public:
  explicit RateLimiter(Entropy& entropy) { entropy.fill(key_.span()); }

  /// Takes a token of the source that `address` belongs to; false when it has none left.
  [[nodiscard]] bool allow(const IpAddress& address, Instant now);
  /// Sources in the table.
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct Source {
    std::uint64_t network = 0;  // the first 8 bytes of an IPv6 address, or the 4 of an IPv4 one
    Family family = Family::v4;
    friend bool operator==(const Source&, const Source&) = default;
  };
  struct Bucket {
    Source source;
    Instant last;
    Duration tokens{-1};  // in the time that it takes to refill them; negative when the slot is empty
    [[nodiscard]] bool empty() const { return tokens < Duration::zero(); }
  };

  [[nodiscard]] static Source source_of(const IpAddress& address);
  /// The slot of the source, or the empty one where it would go.
  [[nodiscard]] Bucket& locate(const Source& source);
  void sweep(Instant now);
  void resize(std::size_t slots);

  crypto::SipKey key_;
  std::vector<Bucket> slots_;  // a power of two or none, at most half full
  std::size_t size_ = 0;
  Instant next_sweep_ = Instant::min();
};

}  // namespace wg4
