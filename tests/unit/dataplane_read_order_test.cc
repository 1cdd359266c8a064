// Threads that take turns at reading pass their input on in the order of reading.

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <thread>
#include <vector>

#include "wg4netns/dataplane/read_order.h"

using namespace wg4;

TEST_CASE("what several threads read comes out in the order of reading") {
  constexpr int count = 20'000;
  ReadOrder order;
  int next = 0;          // what read() gives next
  std::vector<int> out;  // what was passed on
  const auto work = [&] {
    for (int got = 0; got < count;) {
      const ReadOrder::Place place = ReadOrder::take_place(&order, [&] {
        got = next++;
        return got < count;
      });
      if (got >= count) return;
      // The even ones take longer: without order the odd ones would overtake them.
      if (got % 2 == 0) std::this_thread::yield();
      place.wait();
      out.push_back(got);
    }
  };
  {
    std::array<std::jthread, 3> threads;
    for (std::jthread& thread : threads) thread = std::jthread(work);
  }
  REQUIRE_EQ(out.size(), count);
  for (int i = 0; i < count; ++i) REQUIRE_EQ(out[static_cast<std::size_t>(i)], i);
}

TEST_CASE("a thread that read nothing makes no other wait, and an unused turn is passed on") {
  ReadOrder order;
  {
    const auto nothing = ReadOrder::take_place(&order, [] { return false; });
  }
  {
    const auto unused = ReadOrder::take_place(&order, [] { return true; });
  }
  bool passed = false;
  std::jthread([&] {
    const auto third = ReadOrder::take_place(&order, [] { return true; });
    third.wait();  // would not come back
    passed = true;
  }).join();
  CHECK(passed);
}

TEST_CASE("without an order it is read, and nothing is waited for") {
  bool read = false;
  const auto place = ReadOrder::take_place(nullptr, [&] { return read = true; });
  place.wait();
  CHECK(read);
}
