// The choice between backends: the first that works, and a report about those that do not.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/result.h"
#include "tests/support/machine.h"
#include "tests/unit/crypto_subjects.h"
#include "wg4netns/crypto/aead.h"
#include "wg4netns/crypto/aead_backends.h"
#include "wg4netns/crypto/lanes/job.h"
#include "wg4netns/crypto/startup.h"

namespace wg4::crypto {
namespace {

/// Correct except for one fault.
template <class Fault>
class BrokenAead final : public Aead {
 public:
  [[nodiscard]] std::string_view name() const override { return "broken"; }
  void seal_batch(const AeadKey& key, std::span<const SealJob> jobs) override {
    aead_->seal_batch(key, jobs);
    Fault::after_seal(jobs);
  }
  void open_batch(const AeadKey& key, std::span<OpenJob> jobs) override {
    aead_->open_batch(key, jobs);
    Fault::after_open(jobs);
  }
  void forget_keys() override {}

 private:
  std::unique_ptr<Aead> aead_ = make_sodium_aead();
};

struct None {
  static void after_seal(std::span<const SealJob> /*jobs*/) {}
  static void after_open(std::span<OpenJob> /*jobs*/) {}
};
struct SealsOneBitWrong : None {
  static void after_seal(std::span<const SealJob> jobs) {
    if (jobs.size() > 20) *(jobs[20].out + jobs[20].plaintext.size() + jobs[20].padding + 15) ^= 0x80;
  }
};
struct OpensAnything : None {
  static void after_open(std::span<OpenJob> jobs) {
    for (OpenJob& job : jobs) job.authentic = true;
  }
};
struct OpensNothing : None {
  static void after_open(std::span<OpenJob> jobs) { jobs.front().authentic = false; }
};
struct OpensOneByteWrong : None {
  static void after_open(std::span<OpenJob> jobs) {
    if (jobs.size() > 15) jobs[15].data[3] ^= 1;
  }
};

template <class Fault>
std::unique_ptr<Aead> make() {
  return std::make_unique<BrokenAead<Fault>>();
}
std::unique_ptr<Aead> make_none() { return nullptr; }
bool here() { return true; }
bool elsewhere() { return false; }

TEST_CASE("The self-test passes backends that work and no others") {
  REQUIRE(start_up());
  for (const std::string_view name : available_backends()) {
    CAPTURE(name);
    CHECK(passes_self_test(*make_backend(name)));
  }
  CHECK(passes_self_test(*make<None>()));
  CHECK_FALSE(passes_self_test(*make<SealsOneBitWrong>()));
  CHECK_FALSE(passes_self_test(*make<OpensAnything>()));
  CHECK_FALSE(passes_self_test(*make<OpensNothing>()));
  CHECK_FALSE(passes_self_test(*make<OpensOneByteWrong>()));
}

TEST_CASE("Backends that this processor cannot run are tested on others") {
  for (const Backend& backend : built_backends())
    if (!backend.runs_here()) say_skipped((std::string(backend.name) + ": this processor cannot run it").c_str());
}

TEST_CASE("The self-test uses every code path of a vector backend") {
  const auto works = [](const LaneKernel& kernel) {
    constexpr GroupCost cost{1400, 18, 64};
    return passes_self_test(*make_lane_aead("lanes", kernel, cost));
  };
  const GroupFunction no_group = [](const std::uint8_t* /*key*/, LaneJob* /*jobs*/, std::size_t /*count*/) {};
  const SingleFunction no_single = [](const std::uint8_t* /*key*/, LaneJob& /*job*/) {};
  for (const NamedKernel& kernel : all_kernels()) {
    CAPTURE(kernel.name);
    const auto [lanes, seal, open, seal_single, open_single] = *kernel.kernel;
    CHECK(works(*kernel.kernel));
    CHECK_FALSE(works({lanes, no_group, open, seal_single, open_single}));
    CHECK_FALSE(works({lanes, seal, no_group, seal_single, open_single}));
    CHECK_FALSE(works({lanes, seal, open, no_single, open_single}));
    CHECK_FALSE(works({lanes, seal, open, seal_single, no_single}));
  }
}

TEST_CASE("The self-test uses the backend for packets that do not form a group") {
  const auto works = [](const LaneKernel& kernel, std::unique_ptr<Aead> ungrouped) {
    constexpr GroupCost cost{1400, 18, 64};
    return passes_self_test(*make_lane_aead("lanes", kernel, cost, {std::move(ungrouped)}));
  };
  for (const NamedKernel& kernel : all_kernels()) {
    CAPTURE(kernel.name);
    const GroupFunction no_group = [](const std::uint8_t* /*key*/, LaneJob* /*jobs*/, std::size_t /*count*/) {};
    const SingleFunction no_single = [](const std::uint8_t* /*key*/, LaneJob& /*job*/) {};
    const auto [lanes, seal, open, seal_single, open_single] = *kernel.kernel;
    CHECK(works({lanes, seal, open, no_single, no_single}, make<None>()));
    CHECK_FALSE(works({lanes, no_group, open, seal_single, open_single}, make<None>()));
    CHECK_FALSE(works(*kernel.kernel, make<OpensAnything>()));
    CHECK_FALSE(works(*kernel.kernel, make<OpensNothing>()));
  }
}

/// Counts the packets that it is given.
class CountingAead final : public Aead {
 public:
  explicit CountingAead(std::size_t& packets) : packets_(packets) {}
  [[nodiscard]] std::string_view name() const override { return "counting"; }
  void seal_batch(const AeadKey& key, std::span<const SealJob> jobs) override {
    packets_ += jobs.size();
    aead_->seal_batch(key, jobs);
  }
  void open_batch(const AeadKey& key, std::span<OpenJob> jobs) override {
    packets_ += jobs.size();
    aead_->open_batch(key, jobs);
  }
  void forget_keys() override {}

 private:
  std::size_t& packets_;
  std::unique_ptr<Aead> aead_ = make_sodium_aead();
};

/// Seals and opens packets of one size; returns how many of them go to the backend beside the kernel.
std::size_t taken_beside(const LaneKernel& kernel, GroupCost cost, std::size_t longest, std::size_t packets,
                         std::size_t size) {
  const AeadFixture fixture;
  std::size_t taken = 0;
  const auto aead = make_lane_aead("lanes", kernel, cost, {std::make_unique<CountingAead>(taken), longest, 4});
  std::vector<std::vector<std::uint8_t>> bytes(packets, std::vector<std::uint8_t>(size + aead_tag_size));
  std::vector<SealJob> seal;
  std::vector<OpenJob> open;
  for (std::size_t i = 0; i < packets; ++i) {
    seal.push_back({{{}, fixture.plaintext(size)}, 0, bytes[i].data(), i});
    open.push_back({bytes[i], i});
  }
  aead->seal_batch(fixture.key(), seal);
  aead->open_batch(fixture.key(), open);
  CHECK(std::ranges::all_of(open, &OpenJob::authentic));
  return taken;
}

TEST_CASE("Few small packets do not form a group, even where one would be faster") {
  for (const NamedKernel& kernel : all_kernels()) {
    CAPTURE(kernel.name);
    CHECK(taken_beside(*kernel.kernel, always_group, SIZE_MAX, 1, small_packet) == 2);
    CHECK(taken_beside(*kernel.kernel, always_group, SIZE_MAX, 4, small_packet) == 8);
    CHECK(taken_beside(*kernel.kernel, always_group, SIZE_MAX, 4, small_packet + 1) == 0);
    CHECK(taken_beside(*kernel.kernel, always_group, SIZE_MAX, 5, small_packet) == 0);
    CHECK(taken_beside(*kernel.kernel, never_group, 1000, 5, 1000) == 10);
    CHECK(taken_beside(*kernel.kernel, never_group, 1000, 5, 1001) == 0);
  }
}

TEST_CASE("A backend can be made exactly where it runs, an optional library's, too, and says its name") {
  for (const Backend& backend : built_backends()) {
    CAPTURE(backend.name);
    const std::unique_ptr<Aead> aead = make_backend(backend.name);
    REQUIRE((aead != nullptr) == backend.runs_here());
    if (aead) CHECK(aead->name() == backend.name);
  }
}

TEST_CASE("A backend that fails its self-test is not used, and reported") {
  const std::array<Backend, 5> backends = {{{"elsewhere", elsewhere, make<None>},
                                            {"wrong", here, make<SealsOneBitWrong>},
                                            {"trusting", here, make<OpensAnything>},
                                            {"missing", here, make_none},
                                            {"good", here, make<None>}}};
  const Result<Choice> choice = choose_backend({}, backends);
  REQUIRE(choice.has_value());
  CHECK(choice->failed == std::vector<std::string_view>{"wrong", "trusting", "missing"});
  REQUIRE(choice->aead != nullptr);
  CHECK(passes_self_test(*choice->aead));

  const Result<Choice> forced = choose_backend("good", backends);
  REQUIRE(forced.has_value());
  CHECK(forced->failed.empty());

  const Result<Choice> broken = choose_backend("trusting", backends);
  REQUIRE_FALSE(broken.has_value());
  CHECK(broken.error().what == "self-test of the cipher fails: trusting");

  const Result<Choice> absent = choose_backend("elsewhere", backends);
  REQUIRE_FALSE(absent.has_value());
  CHECK(absent.error().what == "there is no cipher backend 'elsewhere' on this machine");
  CHECK(absent.error().hint == "It has: wrong, trusting, missing, good");
}

TEST_CASE("If no backend works, there is an error and no cipher") {
  const std::array<Backend, 2> backends = {{{"wrong", here, make<SealsOneBitWrong>}, {"missing", here, make_none}}};
  const Result<Choice> choice = choose_backend({}, backends);
  REQUIRE_FALSE(choice.has_value());
  CHECK(choice.error().what == "self-test of the cipher fails: wrong, missing");
}

TEST_CASE("By default the first backend that runs here is chosen") {
  const Result<Choice> choice = choose_backend();
  REQUIRE(choice.has_value());
  CHECK(choice->failed.empty());
  CHECK(choice->aead->name() == make_backend(available_backends().front())->name());
}

}  // namespace
}  // namespace wg4::crypto
