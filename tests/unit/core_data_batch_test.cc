// Cutting runs into datagrams, with consistent and inconsistent sizes.

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "shared/base/bytes.h"
#include "wg4netns/core/data_batch.h"
#include "wg4netns/core/output.h"

using namespace wg4;

TEST_CASE("a cursor gives each datagram of each run once, the last of a run as short as it is") {
  std::vector<std::uint8_t> bytes(1000);
  const auto run = [&](std::size_t first, std::size_t size, std::size_t segment) {
    return DatagramRun{{}, 0, ByteSpan(bytes).subspan(first, size), segment};
  };
  const std::vector<DatagramRun> runs = {run(0, 300, 100), run(300, 250, 100), run(550, 50, 100), run(600, 1, SIZE_MAX),
                                         run(601, 3, 1)};
  std::vector<std::size_t> sizes;
  std::size_t at = 0;
  for (RunCursor cursor(runs); !cursor.done(); cursor.advance()) {
    const ByteSpan datagram = cursor.datagram();
    CHECK_EQ(datagram.data(), bytes.data() + at);
    at += datagram.size();
    sizes.push_back(datagram.size());
  }
  CHECK(sizes == std::vector<std::size_t>{100, 100, 100, 100, 100, 50, 50, 1, 1, 1, 1});
}

TEST_CASE("a cursor without runs, or with an empty run, ends at once") {
  CHECK(RunCursor({}).done());
  const DatagramRun nothing{{}, 0, {}, 100};
  RunCursor cursor({&nothing, 1});
  CHECK(cursor.datagram().empty());
  cursor.advance();
  CHECK(cursor.done());
}
