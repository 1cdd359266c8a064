// Lines that a peer causes: even an authentic peer may cause the same one again and again.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <string>

#include "shared/base/bytes.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/log.h"
#include "tests/support/device_probe.h"
#include "tests/support/seeded_entropy.h"
#include "wg4netns/core/control.h"
#include "wg4netns/core/device.h"
#include "wg4netns/core/evidence.h"
#include "wg4netns/core/output.h"
#include "wg4netns/core/time.h"
#include "wg4netns/crypto/aead.h"
#include "wg4netns/diagnosis/finding.h"
#include "wg4netns/diagnosis/peer_watch.h"

namespace wg4 {
namespace {

class NoOutput final : public Output {
 public:
  ByteSpan send_room(std::size_t) override { return {}; }
  void send(const SendRun&) override {}
  void event(const Event&) override {}
};

/// Captures standard error in the meantime.
class Overheard {
 public:
  Overheard() { REQUIRE(dup2(file_.get(), STDERR_FILENO) >= 0); }
  ~Overheard() { dup2(before_.get(), STDERR_FILENO); }
  Overheard(const Overheard&) = delete;
  Overheard& operator=(const Overheard&) = delete;

  [[nodiscard]] std::string text() const {
    std::string all;
    std::array<char, 4096> piece;
    for (ssize_t got = 0; (got = pread(file_.get(), piece.data(), piece.size(), static_cast<off_t>(all.size()))) > 0;)
      all.append(piece.data(), static_cast<std::size_t>(got));
    return all;
  }

 private:
  UniqueFd file_{memfd_create("stderr", MFD_CLOEXEC)};
  UniqueFd before_{fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)};
};

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++found;
  return found;
}

TEST_CASE("a peer that falls silent and comes back all the time does not fill the log") {
  log::set_level(log::Level::info);
  const auto aead = crypto::make_sodium_aead();
  test::SeededEntropy entropy(1);
  Device device(*aead, entropy, *std::pmr::new_delete_resource());
  NoOutput output;
  DeviceChange change;
  change.peers.emplace_back().public_key.fill(7);
  Now now{.boot = Instant(std::chrono::hours(1)), .wall = {}};
  REQUIRE(device.apply(change, now, output).has_value());
  PeerEvidence& evidence = DeviceProbe::peer(device, change.peers[0].public_key)->evidence;
  PeerWatch watch(std::nullopt, 51820);

  const Overheard overheard;
  const auto turn = [&](std::uint32_t keepalives) {
    evidence.bare_keepalives = keepalives;
    watch.consider(device, {EventKind::evidence, 0}, now);
    now.boot += std::chrono::milliseconds(1);
  };
  for (int i = 0; i < 10'000; ++i) {
    turn(PeerEvidence::telling_keepalives);
    turn(0);
  }
  CHECK(watch.finding(*device.peer(0)) == Finding::none);
  const std::string lines = overheard.text();
  CHECK(count(lines, "no data does") == 20);
  CHECK(count(lines, "works again") == 20);
  CHECK(count(lines, "\n") == 40);

  now.boot += std::chrono::minutes(1);
  turn(PeerEvidence::telling_keepalives);
  CHECK(overheard.text().find("(and 9980 such lines before, which were left out)\n", lines.size()) !=
        std::string::npos);
  CHECK(watch.finding(*device.peer(0)) == Finding::no_data);
}

}  // namespace
}  // namespace wg4
