#include "wg4netns/core/rate_limiter.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <utility>

#include "shared/base/bytes.h"
#include "wg4netns/core/limits.h"

namespace wg4 {
namespace {

constexpr Duration packet_cost = Duration(1s) / ratelimiter_packets_per_second;
constexpr Duration full_bucket = packet_cost * ratelimiter_burst;
constexpr Duration idle_time = 1s;
constexpr std::size_t min_slots = 64;
static_assert(full_bucket <= idle_time, "a bucket that is swept out has to be full");

}  // namespace

RateLimiter::Source RateLimiter::source_of(const IpAddress& address) {
  const std::uint8_t* bytes = address.bytes().data();
  if (address.is_v4()) return {load_le<std::uint32_t>(bytes), Family::v4};
  return {load_le<std::uint64_t>(bytes), Family::v6};
}

RateLimiter::Bucket& RateLimiter::locate(const Source& source) {
  std::array<std::uint8_t, 9> hashed;
  store_le(hashed.data(), source.network);
  hashed[8] = static_cast<std::uint8_t>(source.family);
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = crypto::siphash(key_, hashed) & mask;
  while (!slots_[at].empty() && slots_[at].source != source) at = (at + 1) & mask;
  return slots_[at];
}

bool RateLimiter::allow(const IpAddress& address, Instant now) {
  if (now >= next_sweep_) sweep(now);
  const Source source = source_of(address);
  Bucket* bucket = &locate(source);
  if (bucket->empty()) {
    if (size_ == max_ratelimiter_sources) return false;
    if (2 * (size_ + 1) > slots_.size()) {
      resize(2 * slots_.size());
      bucket = &locate(source);
    }
    *bucket = {source, now, full_bucket};
    ++size_;
  }
  const Duration earned = std::max(now - bucket->last, Duration::zero());
  bucket->tokens = std::min(full_bucket, bucket->tokens + earned);
  bucket->last = now;
  if (bucket->tokens < packet_cost) return false;
  bucket->tokens -= packet_cost;
  return true;
}

void RateLimiter::sweep(Instant now) {
  next_sweep_ = now + idle_time;
  for (Bucket& bucket : slots_) {
    if (bucket.empty() || now - bucket.last < idle_time) continue;
    bucket = {};
    --size_;
  }
  // Into new slots: with linear probing, gaps would hide the entries behind them.
  resize(std::max(min_slots, std::bit_ceil(2 * size_)));
}

void RateLimiter::resize(std::size_t slots) {
  const std::vector<Bucket> old = std::exchange(slots_, std::vector<Bucket>(slots));
  for (const Bucket& bucket : old) {
    if (!bucket.empty()) locate(bucket.source) = bucket;
  }
}

}  // namespace wg4
