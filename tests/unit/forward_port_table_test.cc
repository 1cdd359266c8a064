#include "shared/net/protocol.h"
#include "wg4netns/forward/port_table.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <string>

namespace wg4::forward {
namespace {

using Ports = std::map<std::uint16_t, Reach>;

const std::string head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n";

TEST_CASE("TCP: sockets that listen, on any address") {
  const std::string text = head +
                           "   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000\n"
                           "   1: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000\n"
                           "   2: 0100007F:8F12 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000\n";
  CHECK(listening_ports(text, Protocol::tcp) == Ports{{22, Reach::v4}, {8080, Reach::v4}});
}

TEST_CASE("UDP: sockets that are not connected") {
  const std::string text = head +
                           "  10: 00000000:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0\n"
                           "  11: 0100007F:9000 0100007F:0035 01 00000000:00000000 00:00000000 00000000     0\n";
  CHECK(listening_ports(text, Protocol::udp) == Ports{{53, Reach::v4}});
}

TEST_CASE("IPv6") {
  const std::string text =
      head + "   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 0\n";
  CHECK(listening_ports(text, Protocol::tcp) == Ports{{80, Reach::v6}});
}

TEST_CASE("which family leads to a port") {
  const std::string one = "00000000000000000000000001000000";
  const std::string mapped = "0000000000000000FFFF00000100007F";  // of 127.0.0.1, as Java binds
  const auto line = [](const std::string& address, const std::string& port) {
    return " 0: " + address + ":" + port + " 00000000000000000000000000000000:0000 0A 0\n";
  };
  const std::string text = head + line(one, "0050") + line(one, "0051") + line(mapped, "0051") + line(mapped, "0052");
  CHECK(listening_ports(text, Protocol::tcp) == Ports{{80, Reach::v6}, {81, Reach::v4}, {82, Reach::v4}});
}

TEST_CASE("truncated text, and text that is not such a table") {
  for (const char* text : {"", "\n\n", "   0: 0100007F:1F90", "0: x:1F90 y 0B", "0: 1:1F90x y 0A", "0: 1 2 0A",
                           "0: 1:10000 2 0A", "0: 1:0000 2 0A", "::::::"}) {
    CAPTURE(text);
    CHECK(listening_ports(text, Protocol::tcp).empty());
  }
}

}  // namespace
}  // namespace wg4::forward
