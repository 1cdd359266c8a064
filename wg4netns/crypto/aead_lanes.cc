// The vector backends: batches go to a kernel with one packet a lane; what does not fill enough lanes to pay goes to a
// cipher that works within a packet.

#include <sodium/crypto_verify_16.h>
#include <sodium/utils.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "shared/base/check.h"
#include "wg4netns/crypto/aead_backends.h"

namespace wg4::crypto {
namespace {

/// Bytes of stack that a kernel's spilled registers may take, several times over.
constexpr std::size_t kernel_stack = 16 * 1024;

/// What a packet costs beyond its bytes (key block, length block), in bytes.
constexpr std::size_t packet_overhead = 128;

class LaneAead final : public Aead {
 public:
  LaneAead(std::string_view name, const LaneKernel& kernel, std::size_t break_even, std::unique_ptr<Aead> single)
      : name_(name), kernel_(kernel), break_even_(break_even), single_(std::move(single)) {}

  [[nodiscard]] std::string_view name() const override { return name_; }
  void seal_batch(const AeadKey& key, std::span<const SealJob> jobs) override;
  void open_batch(const AeadKey& key, std::span<OpenJob> jobs) override;
  void forget_keys() override {
    single_->forget_keys();
    sodium_stackzero(kernel_stack);
  }

 private:
  using Words = std::array<std::uint32_t, 8>;
  using Jobs = std::array<LaneJob, max_lanes>;

  /// Do packets of these sizes fill the lanes well enough?
  template <class Job>
  [[nodiscard]] bool pays(std::span<Job> jobs) const;
  void seal_group(const Words& key, std::span<const SealJob> jobs);
  void open_group(const Words& key, std::span<OpenJob> jobs);

  std::string_view name_;
  const LaneKernel& kernel_;
  std::size_t break_even_;  // packets of one size from which the kernel is faster
  std::unique_ptr<Aead> single_;
};

std::array<std::uint32_t, 8> to_words(const AeadKey& key) {
  std::array<std::uint32_t, 8> words;
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = load_le<std::uint32_t>(key.data() + 4 * i);
  return words;
}

std::size_t size_of(const SealJob& job) { return job.plaintext.size() + job.padding; }
std::size_t size_of(const OpenJob& job) { return job.data.size() - aead_tag_size; }

std::array<std::uint8_t, aead_tag_size> tag_bytes(const LaneJob& job) {
  std::array<std::uint8_t, aead_tag_size> bytes;
  for (std::size_t i = 0; i < 4; ++i) store_le(bytes.data() + 4 * i, job.tag[i]);
  return bytes;
}

template <class Job>
bool LaneAead::pays(std::span<Job> jobs) const {
  std::size_t sum = 0;
  std::size_t longest = 0;
  for (const Job& job : jobs) {
    const std::size_t cost = size_of(job) + packet_overhead;
    sum += cost;
    longest = std::max(longest, cost);
  }
  return sum >= break_even_ * longest;
}

void LaneAead::seal_batch(const AeadKey& key, std::span<const SealJob> jobs) {
  Words words = to_words(key);
  while (!jobs.empty()) {
    const auto group = jobs.first(std::min(jobs.size(), kernel_.lanes));
    if (pays(group)) {
      seal_group(words, group);
    } else {
      single_->seal_batch(key, group);
    }
    jobs = jobs.subspan(group.size());
  }
  sodium_memzero(words.data(), sizeof(words));
}

void LaneAead::seal_group(const Words& key, std::span<const SealJob> jobs) {
  Jobs lanes;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const SealJob& job = jobs[i];
    LaneJob& lane = lanes[i];
    lane.head = job.plaintext.head.data();
    lane.head_size = job.plaintext.head.size();
    lane.body = job.plaintext.body.data();
    lane.text_size = job.plaintext.size();
    lane.size = size_of(job);
    lane.out = job.out;
    lane.counter = job.counter;
  }
  kernel_.seal(key.data(), lanes.data(), jobs.size());
  for (std::size_t i = 0; i < jobs.size(); ++i) std::ranges::copy(tag_bytes(lanes[i]), jobs[i].out + lanes[i].size);
}

void LaneAead::open_batch(const AeadKey& key, std::span<OpenJob> jobs) {
  Words words = to_words(key);
  while (!jobs.empty()) {
    const auto group = jobs.first(std::min(jobs.size(), kernel_.lanes));
    if (pays(group)) {
      open_group(words, group);
    } else {
      single_->open_batch(key, group);
    }
    jobs = jobs.subspan(group.size());
  }
  sodium_memzero(words.data(), sizeof(words));
}

void LaneAead::open_group(const Words& key, std::span<OpenJob> jobs) {
  Jobs lanes;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    CHECK(jobs[i].data.size() >= aead_tag_size);
    LaneJob& lane = lanes[i];
    lane.body = lane.out = jobs[i].data.data();
    lane.text_size = lane.size = size_of(jobs[i]);
    lane.counter = jobs[i].counter;
  }
  kernel_.open(key.data(), lanes.data(), jobs.size());
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const auto tag = tag_bytes(lanes[i]);
    jobs[i].authentic = crypto_verify_16(tag.data(), jobs[i].data.last<aead_tag_size>().data()) == 0;
    if (!jobs[i].authentic) std::memset(lanes[i].out, 0, lanes[i].size);
  }
}

}  // namespace

std::unique_ptr<Aead> make_lane_aead(std::string_view name, const LaneKernel& kernel, std::size_t break_even,
                                     std::unique_ptr<Aead> single) {
  return std::make_unique<LaneAead>(name, kernel, break_even, std::move(single));
}

}  // namespace wg4::crypto
