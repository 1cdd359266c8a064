// What a packet costs in the bulk cipher: nanoseconds by backend, size and packets a batch, seal and open.
//
//   bench_aead [--rounds N]    default 300; a figure is the best of N rounds, because whatever else happens only adds
//
// The vector backends have two ways, a group with one packet a lane or one packet after the other, and choose by the
// sizes in the batch. Both are measured alone, too: the constants of that choice come from here.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/bytes.h"
#include "wg4netns/crypto/aead.h"
#include "wg4netns/crypto/aead_backends.h"
#include "wg4netns/crypto/startup.h"

namespace wg4::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto sizes = std::to_array<std::size_t>({64, 256, 576, 1420, 8920});
constexpr auto batches = std::to_array<std::size_t>({1, 2, 4, 8, 16, 32, 64});

struct Subject {
  std::string name;
  std::unique_ptr<crypto::Aead> aead;
};

std::vector<Subject> subjects() {
  std::vector<Subject> list;
  for (const crypto::Backend& backend : crypto::built_backends()) {
    if (!backend.runs_here()) continue;
    const std::string name(backend.name);
    list.push_back({name, backend.make()});
    if (backend.kernel == nullptr) continue;
    list.push_back({name + " group", crypto::make_lane_aead(name, *backend.kernel, crypto::always_group)});
    list.push_back({name + " single", crypto::make_lane_aead(name, *backend.kernel, crypto::never_group)});
  }
  return list;
}

/// Packets of one size, sealed from one buffer to another as the data path does.
class Batch {
 public:
  Batch(std::size_t size, std::size_t count) : text_(size * count), sealed_((size + crypto::aead_tag_size) * count) {
    for (std::size_t i = 0; i < count; ++i) {
      const ByteSpan place =
          ByteSpan(sealed_).subspan(i * (size + crypto::aead_tag_size), size + crypto::aead_tag_size);
      seal_jobs_.push_back({{{}, ByteView(text_).subspan(i * size, size)}, 0, place.data(), i});
      open_jobs_.push_back({place, i});
    }
  }

  /// Nanoseconds a packet. What open() gets is what seal() made before it: it decrypts in place.
  [[nodiscard]] double seal(crypto::Aead& aead) {
    const Clock::time_point start = Clock::now();
    aead.seal_batch(key_, seal_jobs_);
    return since(start);
  }
  [[nodiscard]] double open(crypto::Aead& aead) {
    const Clock::time_point start = Clock::now();
    aead.open_batch(key_, open_jobs_);
    return since(start);
  }
  [[nodiscard]] bool authentic() const { return std::ranges::all_of(open_jobs_, &crypto::OpenJob::authentic); }

 private:
  [[nodiscard]] double since(Clock::time_point start) const {
    return std::chrono::duration<double, std::nano>(Clock::now() - start).count() /
           static_cast<double>(seal_jobs_.size());
  }

  crypto::AeadKey key_;
  std::vector<std::uint8_t> text_;
  std::vector<std::uint8_t> sealed_;
  std::vector<crypto::SealJob> seal_jobs_;
  std::vector<crypto::OpenJob> open_jobs_;
};

struct Figure {
  double seal = 1e12;
  double open = 1e12;
};

bool measure(crypto::Aead& aead, std::size_t size, std::size_t count, int rounds, Figure& best) {
  Batch batch(size, count);
  for (int round = 0; round < rounds; ++round) {
    best.seal = std::min(best.seal, batch.seal(aead));
    best.open = std::min(best.open, batch.open(aead));
    if (!batch.authentic()) return false;
  }
  return true;
}

int run(int rounds) {
  if (!crypto::start_up()) return 1;
  fmt::print("ns per packet, seal/open, best of {} rounds; columns: packets a batch\n", rounds);
  for (const std::size_t size : sizes) {
    fmt::print("\n{:>6} bytes{:>20}", size, "");
    for (const std::size_t count : batches) fmt::print("{:>12}", count);
    fmt::print("\n");
    for (const Subject& subject : subjects()) {
      fmt::print("{:<32}", subject.name);
      for (const std::size_t count : batches) {
        Figure best;
        if (!measure(*subject.aead, size, count, rounds, best)) {
          fmt::print(stderr, "{} does not open what it sealed\n", subject.name);
          return 1;
        }
        fmt::print("{:>12}", fmt::format("{:.0f}/{:.0f}", best.seal, best.open));
      }
      fmt::print("\n");
    }
  }
  return 0;
}

}  // namespace
}  // namespace wg4::bench

int main(int count, char** arguments) {
  int rounds = 300;
  if (count == 3 && std::string_view(arguments[1]) == "--rounds") rounds = std::atoi(arguments[2]);
  if ((count != 1 && count != 3) || rounds < 1) {
    fmt::print(stderr, "usage: bench_aead [--rounds N]\n");
    return 2;
  }
  return wg4::bench::run(rounds);
}
