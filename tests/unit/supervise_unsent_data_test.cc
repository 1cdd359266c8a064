// Connections in the kernel's table whose data nobody waits for but the kernel.

#include "wg4netns/supervise/unsent_data.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace wg4::keeper {
namespace {

const std::string head =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

std::string line(const std::string& state, const std::string& queues, const std::string& inode) {
  return "   0: 01004D0A:D431 02004D0A:2328 " + state + " " + queues + " 01:00000014 00000000     0        0 " + inode +
         " 1 00000000a1b2c3d4 21 4 1 10 -1\n";
}

std::string line6(const std::string& state, const std::string& queues) {
  return "  12: 000077FD000000000000000001000000:D431 000077FD000000000000000002000000:2328 " + state + " " + queues +
         " 01:00000014 00000000     0        0 0 1 00000000a1b2c3d4 21 4 1 10 -1\n";
}

TEST_CASE("orphans: none") {
  CHECK(orphans_in("") == Orphans{});
  CHECK(orphans_in(head) == Orphans{});
}

TEST_CASE("orphans: those that still send, or wait for the last acknowledgement") {
  const std::string table = head + line("04", "000003E8:00000000", "0") + line("09", "00000001:00000000", "0") +
                            line("0B", "0000000F:00000000", "0");
  CHECK(orphans_in(table) == Orphans{.connections = 3, .bytes = 1016});
  CHECK(orphans_in(head + line6("04", "00000010:00000000")) == Orphans{.connections = 1, .bytes = 16});
}

TEST_CASE("orphans: not those at their end, nor of processes") {
  for (const char* state : {"01", "03", "05", "06", "07", "0A"})
    CHECK(orphans_in(head + line(state, "00000010:00000000", "0")) == Orphans{});
  CHECK(orphans_in(head + line("04", "00000010:00000000", "4711")) == Orphans{});
}

TEST_CASE("orphans: lines that are cut off") {
  const std::string table = head + line("04", "00000010:00000000", "0");
  for (std::size_t size = 0; size < table.size() - 60; ++size)
    CHECK(orphans_in(std::string_view(table).substr(0, size)) == Orphans{});
}

}  // namespace
}  // namespace wg4::keeper
