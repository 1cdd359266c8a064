// The vector backends: a batch goes to a kernel in groups with one packet a lane; packets that do not fill enough lanes
// to pay go one by one, to another backend or to the kernel, which then spreads each over the lanes.
//
// Wide vectors cost more than the time that they take: the CPU wakes the upper halves of its registers, and may lower
// its clock for them and all code after them. In bulk that is lost in the gain. A small packet that comes alone, as in
// questions and answers, pays it each time: on a CPU with AVX-512 and no IFMA, p50 of a request of one byte and its
// answer was 110 us with lanes-avx512, 98 us with lanes-avx2 and 75 us with libsodium, which is narrow for so few
// bytes. So, beside a kernel for AVX-512, a batch of up to four small packets is never a group; and where no other
// backend is given, it is libsodium that takes it. A Zen 3 runs AVX2 at no such cost; there libsodium is faster with
// one (64 B: 670 ns, not 920), but no longer with two.
//
// Secrets: a kernel leaves them in the stack that it used. It is wiped once a batch, key and all, from the frame that
// called the kernel; so nothing secret may be kept in that frame itself.

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

/// Bytes of stack that a batch may take: a test holds this.
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
  LaneAead(std::string_view name, const LaneKernel& kernel, GroupCost cost, Few few)
      : name_(name), kernel_(kernel), cost_(cost), few_(std::move(few)) {}

  [[nodiscard]] std::string_view name() const override { return name_; }
  void seal_batch(const AeadKey& key, std::span<const SealJob> jobs) override {
    if (run_batch(key, jobs, kernel_.seal, kernel_.seal_single)) sodium_stackzero(batch_stack);
  }
  void open_batch(const AeadKey& key, std::span<OpenJob> jobs) override {
    if (run_batch(key, jobs, kernel_.open, kernel_.open_single)) sodium_stackzero(batch_stack);
  }
  void forget_keys() override {
    if (few_.aead) few_.aead->forget_keys();
  }

 private:
  /// Whether the kernel had a part in it.
  template <class Job>
  [[gnu::noinline]] bool run_batch(const AeadKey& key, std::span<Job> jobs, GroupFunction group, SingleFunction single);
  /// One group; without a function for it, packet by packet.
  template <class Job>
  [[gnu::noinline]] static void run_kernel(const AeadKey& key, std::span<Job> group, GroupFunction run_group,
                                           SingleFunction run_single);
  /// Is one pass for all of them faster than one for each?
  template <class Job>
  [[nodiscard]] bool pays(std::span<Job> jobs) const;
  template <class Job>
  [[nodiscard]] bool is_small(std::span<Job> batch) const {
    return batch.size() <= few_.small_batch && longest_of(batch) <= small_packet;
  }

  std::string_view name_;
  const LaneKernel& kernel_;
  GroupCost cost_;
  Few few_;
};

void run_few(Aead& few, const AeadKey& key, std::span<const SealJob> jobs) { few.seal_batch(key, jobs); }
void run_few(Aead& few, const AeadKey& key, std::span<OpenJob> jobs) { few.open_batch(key, jobs); }

template <class Job>
bool LaneAead::run_batch(const AeadKey& key, std::span<Job> jobs, GroupFunction run_group, SingleFunction run_single) {
  const bool small = is_small(jobs);
  bool kernel_ran = false;
  while (!jobs.empty()) {
    const auto group = jobs.first(std::min(jobs.size(), kernel_.lanes));
    jobs = jobs.subspan(group.size());
    const bool together = !small && pays(group);
    if (!together && few_.aead && longest_of(group) <= few_.longest) {
      run_few(*few_.aead, key, group);
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

std::unique_ptr<Aead> make_lane_aead(std::string_view name, const LaneKernel& kernel, GroupCost cost, Few few) {
  return std::make_unique<LaneAead>(name, kernel, cost, std::move(few));
}

}  // namespace wg4::crypto
