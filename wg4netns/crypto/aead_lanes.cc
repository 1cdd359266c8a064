// The vector backends: a batch goes to a vector kernel in groups, with one packet per lane. Packets that do not fill
// enough lanes to be worth it go one by one, to another backend or to the kernel, which then spreads each over the
// lanes.
//
// Wide vectors also slow down other code: the CPU wakes the upper halves of its registers, and may lower its clock for
// a while. With bulk traffic the gain is far larger. But a small packet that comes alone, as in requests and responses,
// pays that cost each time: on a CPU with AVX-512 and no IFMA, p50 of a request of one byte and its answer was 110 us
// with lanes-avx512, 98 us with lanes-avx2 and 75 us with libsodium, which uses no wide vectors for so few bytes. So,
// with a kernel for AVX-512, a batch of up to four small packets never forms a group; and if no other backend is given,
// libsodium handles it. A Zen 3 has no such cost for AVX2; there libsodium is faster with one packet (64 B: 670 ns
// instead of 920), but not with two.
//
// Secrets: a kernel leaves them, the key included, in the stack that it used. That stack is wiped once per batch by the
// function that called the kernel; so nothing secret may be kept in the frame of that function itself.

#include <sodium/crypto_verify_16.h>
#include <sodium/utils.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/base/check.h"
#include "wg4netns/crypto/aead.h"
#include "wg4netns/crypto/aead_backends.h"
#include "wg4netns/crypto/lanes/job.h"

namespace wg4::crypto {
namespace {

/// Bytes of stack that a batch may take: a test enforces this.
constexpr std::size_t batch_stack = std::size_t{12} * 1024;

using Jobs = std::array<LaneJob, max_lanes>;

std::size_t size_of(const SealJob& job) { return job.plaintext.size() + job.padding; }
std::size_t size_of(const OpenJob& job) { return job.data.size() - aead_tag_size; }

template <class Job>
std::size_t longest_of(std::span<Job> jobs) {
  std::size_t longest = 0;
  for (const Job& job : jobs) longest = std::max(longest, size_of(job));
  return longest;
}

LaneJob lane_of(const SealJob& job) {
  LaneJob lane;
  lane.head = job.plaintext.head.data();
  lane.head_size = job.plaintext.head.size();
  lane.body = job.plaintext.body.data();
  lane.text_size = job.plaintext.size();
  lane.size = size_of(job);
  lane.out = job.out;
  lane.counter = job.counter;
  return lane;
}

LaneJob lane_of(const OpenJob& job) {
  CHECK(job.data.size() >= aead_tag_size);
  LaneJob lane;
  lane.body = lane.out = job.data.data();
  lane.text_size = lane.size = size_of(job);
  lane.counter = job.counter;
  return lane;
}

std::array<std::uint8_t, aead_tag_size> tag_bytes(const LaneJob& lane) {
  std::array<std::uint8_t, aead_tag_size> bytes;
  for (std::size_t i = 0; i < 4; ++i) store_le(bytes.data() + 4 * i, lane.tag[i]);
  return bytes;
}

void finish(const SealJob& job, const LaneJob& lane) { std::ranges::copy(tag_bytes(lane), job.out + lane.size); }

void finish(OpenJob& job, const LaneJob& lane) {
  job.authentic = crypto_verify_16(tag_bytes(lane).data(), job.data.data() + lane.size) == 0;
  if (!job.authentic) std::memset(lane.out, 0, lane.size);
}

class LaneAead final : public Aead {
 public:
  LaneAead(std::string_view name, const LaneKernel& kernel, GroupCost cost, UngroupedPackets ungrouped)
      : name_(name), kernel_(kernel), cost_(cost), ungrouped_(std::move(ungrouped)) {}

  [[nodiscard]] std::string_view name() const override { return name_; }
  void seal_batch(const AeadKey& key, std::span<const SealJob> jobs) override {
    if (run_batch(key, jobs, kernel_.seal, kernel_.seal_single)) sodium_stackzero(batch_stack);
  }
  void open_batch(const AeadKey& key, std::span<OpenJob> jobs) override {
    if (run_batch(key, jobs, kernel_.open, kernel_.open_single)) sodium_stackzero(batch_stack);
  }
  void forget_keys() override {
    if (ungrouped_.aead) ungrouped_.aead->forget_keys();
  }

 private:
  /// True if the vector kernel handled a part of it.
  template <class Job>
  [[gnu::noinline]] bool run_batch(const AeadKey& key, std::span<Job> jobs, GroupFunction group, SingleFunction single);
  /// Processes one group; a kernel without a function for groups takes packet by packet.
  template <class Job>
  [[gnu::noinline]] static void run_kernel(const AeadKey& key, std::span<Job> group, GroupFunction run_group,
                                           SingleFunction run_single);
  /// Is one pass for all of them faster than one pass for each?
  template <class Job>
  [[nodiscard]] bool pays(std::span<Job> jobs) const;
  template <class Job>
  [[nodiscard]] bool is_small(std::span<Job> batch) const {
    return batch.size() <= ungrouped_.small_batch && longest_of(batch) <= small_packet;
  }

  std::string_view name_;
  const LaneKernel& kernel_;
  GroupCost cost_;
  UngroupedPackets ungrouped_;
};

void run_ungrouped(Aead& aead, const AeadKey& key, std::span<const SealJob> jobs) { aead.seal_batch(key, jobs); }
void run_ungrouped(Aead& aead, const AeadKey& key, std::span<OpenJob> jobs) { aead.open_batch(key, jobs); }

template <class Job>
bool LaneAead::run_batch(const AeadKey& key, std::span<Job> jobs, GroupFunction run_group, SingleFunction run_single) {
  const bool small = is_small(jobs);
  bool kernel_ran = false;
  while (!jobs.empty()) {
    const auto group = jobs.first(std::min(jobs.size(), kernel_.lanes));
    jobs = jobs.subspan(group.size());
    const bool together = !small && pays(group);
    if (!together && ungrouped_.aead && longest_of(group) <= ungrouped_.max_size) {
      run_ungrouped(*ungrouped_.aead, key, group);
    } else {
      run_kernel(key, group, together ? run_group : nullptr, run_single);
      kernel_ran = true;
    }
  }
  return kernel_ran;
}

template <class Job>
void LaneAead::run_kernel(const AeadKey& key, std::span<Job> group, GroupFunction run_group,
                          SingleFunction run_single) {
  Jobs lanes;
  for (std::size_t i = 0; i < group.size(); ++i) lanes[i] = lane_of(group[i]);
  if (run_group != nullptr) {
    run_group(key.data(), lanes.data(), group.size());
  } else {
    for (std::size_t i = 0; i < group.size(); ++i) run_single(key.data(), lanes[i]);
  }
  for (std::size_t i = 0; i < group.size(); ++i) finish(group[i], lanes[i]);
}

template <class Job>
bool LaneAead::pays(std::span<Job> jobs) const {
  std::size_t singles = 0;
  for (const Job& job : jobs) singles += size_of(job) + cost_.single_overhead;
  return singles >= cost_.group_factor * (longest_of(jobs) + cost_.group_overhead);
}

}  // namespace

std::unique_ptr<Aead> make_lane_aead(std::string_view name, const LaneKernel& kernel, GroupCost cost,
                                     UngroupedPackets ungrouped) {
  return std::make_unique<LaneAead>(name, kernel, cost, std::move(ungrouped));
}

}  // namespace wg4::crypto
