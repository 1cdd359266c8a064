// A capture records datagrams from unknown senders, of any size, from and to any address, and packets of the namespace.
// For all of them: blocks are whole, each packet is in the file or counted as dropped, and no block exceeds its buffer.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/check.h"
#include "shared/net/ip_address.h"
#include "tests/fuzz/fuzz_input.h"
#include "wg4netns/capture/block_buffer.h"
#include "wg4netns/core/output.h"
#include "wg4netns/crypto/aead.h"

namespace {

using namespace wg4;
using namespace wg4::test;

constexpr std::size_t max_read = 65536;  // what a socket or a TUN is read into
constexpr std::uint32_t packet_block = 6;

IpAddress address(FuzzInput& input) {
  std::array<std::uint8_t, 16> bytes{};
  const bool v4 = (input.u8() & 1) == 0;
  bytes.fill(input.u8());
  return v4 ? IpAddress::v4(std::span(bytes).first<4>()) : IpAddress::v6(bytes);
}

Path path(FuzzInput& input) {
  const IpAddress remote = address(input);
  return {.remote = {remote, input.u16(), 0}, .local = address(input)};
}

class Target {
 public:
  explicit Target(ByteView bytes)
      : input_(bytes),
        buffer_(std::size_t{1024} << input_.below(9), {.application = "fuzz", .interface = "wg0"}, input_.u16()),
        bytes_(max_read, 0x45) {}

  void run() {
    while (!input_.empty()) act();
    check_blocks();
    const capture::BlockBuffer::Counts counts = buffer_.counts();
    CHECK(written_ + counts.dropped == counts.packets);
  }

 private:
  void act() {
    const std::uint8_t what = input_.u8();
    const ByteSpan bytes = ByteSpan(bytes_).first(std::size_t{input_.u16()} + 1);
    const std::size_t segment = std::clamp<std::size_t>(input_.u16(), 1, bytes.size());
    switch (what % 6) {
      case 0:
        return buffer_.outer(DatagramRun{path(input_), input_.u8(), bytes, at_least(bytes, segment)}, 1);
      case 1:
        return buffer_.outer(SendRun{path(input_), 0, input_.u8(), bytes.size(), at_least(bytes, segment)}, bytes, 1);
      case 2:
        return buffer_.inner(std::array{crypto::Plaintext{bytes.first(segment), bytes.subspan(segment)}}, 1);
      case 3:
        return buffer_.inner(std::array{bytes}, 1);
      case 4:
        return buffer_.statistics(1);
      default:
        check_blocks();
    }
  }

  /// A run has at most a few hundred datagrams.
  static std::size_t at_least(ByteView bytes, std::size_t segment) { return std::max(segment, bytes.size() / 256 + 1); }

  void check_blocks() {
    ByteView rest = buffer_.take();
    while (!rest.empty()) {
      CHECK(rest.size() >= 12);
      const auto size = load_le<std::uint32_t>(rest.data() + 4);
      CHECK(size >= 12 && size % 4 == 0 && size <= rest.size());
      CHECK(load_le<std::uint32_t>(rest.data() + size - 4) == size);
      if (load_le<std::uint32_t>(rest.data()) == packet_block) ++written_;
      rest = rest.subspan(size);
    }
  }

  FuzzInput input_;
  capture::BlockBuffer buffer_;
  std::vector<std::uint8_t> bytes_;
  std::uint64_t written_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Target({data, size}).run();
  return 0;
}
