// The settings of [Interface], one by one.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/hex_base64.h"
#include "shared/config/wg_config.h"
#include "shared/sys/service_port.h"
#include "tests/unit/config_support.h"

using namespace wg4;
using namespace wg4::config_test;

namespace {

std::string refused_value(std::string_view line) { return refused_at(2, interface_with(line)); }

}  // namespace

TEST_CASE("PrivateKey is base64 of 32 bytes; the last one counts") {
  const WgConfig config = accepted(interface_with("PrivateKey = " + key_a + "\nPrivateKey = " + private_key));
  CHECK_EQ(encode_base64(config.private_key.span()), private_key);
}

TEST_CASE("a bad PrivateKey says what a key looks like") {
  const std::array bad{private_key.substr(1),       private_key + "=",    private_key.substr(0, 42) + "B=",
                       "-" + private_key.substr(1), std::string(44, 'A'), std::string(43, '=') + "A"};
  for (const std::string& key : bad) {
    CAPTURE(key);
    CHECK_EQ(refused(interface_with("PrivateKey = " + key)),
             "line 2: PrivateKey: its value is not a key. A key is 44 characters of base64 that end in '=', as wg "
             "genkey, wg "
             "pubkey and wg genpsk print them");
  }
}

TEST_CASE("ListenPort is a number up to 65535") {
  CHECK_EQ(accepted(interface_with("ListenPort = 0")).listen_port, 0);
  CHECK_EQ(accepted(interface_with("ListenPort = 65535")).listen_port, 65535);
  CHECK_EQ(accepted(interface_with("ListenPort = 0051820")).listen_port, 51820);
  CHECK_EQ(refused_value("ListenPort = 70000"),
           "line 2: ListenPort: '70000' is not a port. Give a port number from 0 to 65535");
  for (const auto* value : {"65536", "-1", "+1", "0x10", "1.5", "99999999999999999999"}) {
    CAPTURE(value);
    CHECK(has(refused_value("ListenPort = " + std::string(value)), "Give a port number from 0 to 65535"));
  }
}

TEST_CASE("ListenPort may be a service name, which the caller looks up") {
  const auto config = WgConfig::parse(interface_with("ListenPort = wireguard"), one_service);
  REQUIRE(config);
  CHECK_EQ(config->listen_port, 51820);
  CHECK_FALSE(WgConfig::parse(interface_with("ListenPort = nosuch"), one_service));
  CHECK(has(refused_value("ListenPort = wireguard"),
            "'wireguard' is not a port: this host knows no UDP service of that name"));
}

TEST_CASE("the system's own service names") {
  CHECK_FALSE(service_port("no-such-service"));
  CHECK_EQ(service_port("ntp").value_or(123), 123);  // a machine without /etc/services knows none
}

TEST_CASE("FwMark is off, decimal or 0x hex") {
  CHECK_EQ(accepted(interface_with("FwMark = off")).fwmark, 0);
  CHECK_EQ(accepted(interface_with("FwMark = OFF")).fwmark, 0);
  CHECK_EQ(accepted(interface_with("FwMark = 51820")).fwmark, 51820);
  CHECK_EQ(accepted(interface_with("FwMark = 010")).fwmark, 10);
  CHECK_EQ(accepted(interface_with("FwMark = 0xCa6c")).fwmark, 0xca6c);
  CHECK_EQ(accepted(interface_with("FwMark = 0xffffffff")).fwmark, 0xffffffff);
  for (const auto* value : {"0X10", "0x", "ff", "-1", "4294967296", "0x100000000", "0x0x1", "1 2 x", "none"}) {
    CAPTURE(value);
    CHECK(has(refused_value("FwMark = " + std::string(value)), "is not a firewall mark"));
  }
}

TEST_CASE("Address: commas or spaces, repeatable, host bits kept, /32 and /128 by default") {
  const WgConfig config = accepted(interface_with(
      "Address = 10.0.0.2/24,fd00::2/64 10.0.1.2\nAddress = , fd01::2 ,, 10.0.2.2/16,\nAddress = 127.0.0.1/8"));
  CHECK_EQ(joined(config.addresses), "10.0.0.2/24 fd00::2/64 10.0.1.2/32 fd01::2/128 10.0.2.2/16 127.0.0.1/8");
  CHECK(config.warnings.empty());
}

TEST_CASE("Address: text that is not an address") {
  CHECK_EQ(refused_value("Address = 10.0.0.2/33"),
           "line 2: Address: '10.0.0.2/33' is not an IP address with a prefix length. Write it as in 10.0.0.0/8 or "
           "fd00::/64");
  for (const auto* value : {"x", "10.0.0/8", "10.0.0.1/", "fd00::/129", "10.0.0.1/24/24", "Address"}) {
    CAPTURE(value);
    CHECK(has(refused_value("Address = 10.9.9.9 " + std::string(value)), "is not an IP address"));
  }
}

TEST_CASE("Address: addresses that the kernel refuses") {
  for (const auto* value : {"::1/128", "::1/64", "::1", "::", "::/64", "ff02::5", "0.0.0.0/0"}) {
    CAPTURE(value);
    CHECK(has(refused_value("Address = " + std::string(value)), "is not an address that an interface can have"));
  }
}

TEST_CASE("Address: the same one twice, as the kernel sees it") {
  CHECK_EQ(refused(interface_with("Address = 10.0.0.1/24\nAddress = 10.0.0.2/24, 10.0.0.1/24")),
           "line 3: Address: '10.0.0.1/24' is given twice. Remove one of the two");
  CHECK(has(refused_value("Address = fd00::1/64, FD00:0::1/128"), "is given twice"));
  CHECK_EQ(accepted(interface_with("Address = 10.0.0.1/24, 10.0.0.1/32")).addresses.size(), 2);
}

TEST_CASE("MTU: bytes; the last one counts") {
  CHECK_EQ(accepted(interface_with("MTU = 1420")).mtu, 1420);
  CHECK_EQ(accepted(interface_with("MTU = 1420\nMTU = 1280")).mtu, 1280);
  CHECK_FALSE(accepted(interface_with("MTU = 1420\nMTU =")).mtu);
  CHECK_EQ(accepted(interface_with("MTU = 68")).mtu, 68);
  CHECK_EQ(accepted(interface_with("MTU = 65535")).mtu, 65535);
  for (const auto* value : {"0", "67", "65536", "-1", "x", "14 20", "0x500"}) {
    CAPTURE(value);
    CHECK(has(refused_value("MTU = " + std::string(value)), "is not an MTU. Give 68 to 65535 bytes"));
  }
}

TEST_CASE("MTU: below what IPv6 needs there is a warning, when it matters") {
  const WgConfig config = accepted(interface_with("MTU = 1279\nAddress = fd00::1"));
  REQUIRE_EQ(config.warnings.size(), 1);
  CHECK(has(config.warnings[0], "line 2: MTU 1279 is too small for the IPv6 addresses"));
  CHECK(accepted(interface_with("MTU = 1280\nAddress = fd00::1")).warnings.empty());
  CHECK(accepted(interface_with("MTU = 1279\nAddress = 10.0.0.1")).warnings.empty());
}

TEST_CASE("Table: auto, off or a number, in exactly these letters") {
  CHECK_EQ(accepted(interface_with("Table = auto")).table, RouteTable::automatic);
  CHECK_EQ(accepted(interface_with("Table = off")).table, RouteTable::off);
  const WgConfig config = accepted(interface_with("Table = 1234"));
  CHECK_EQ(config.table, RouteTable::number);
  CHECK_EQ(config.table_number, 1234);
  const WgConfig reset = accepted(interface_with("Table = 1234\nTable = off"));
  CHECK_EQ(reset.table, RouteTable::off);
  CHECK_EQ(reset.table_number, 0);
  // The main table by its number.
  for (const auto* value : {"254", "0"}) {
    CHECK_EQ(accepted(interface_with("Table = " + std::string(value))).table, RouteTable::automatic);
    CHECK_EQ(accepted(interface_with("Table = " + std::string(value))).table_number, 0);
  }
  for (const auto* value : {"OFF", "Auto", "x", "-1", "4294967296", "o ff"}) {
    CAPTURE(value);
    CHECK(has(refused_value("Table = " + std::string(value)), "is not a routing table"));
  }
}

TEST_CASE("hooks are repeatable and keep '#', '=' and %i") {
  const WgConfig config =
      accepted(interface_with("PreUp = a\nPostUp =  iptables -A FORWARD -i %i # all = of it \t\nPostUp=b\nPreDown = "
                              "c\nPostDown = d\npostdown = e"));
  CHECK_EQ(config.hooks.pre_up, std::vector<std::string>{"a"});
  CHECK_EQ(config.hooks.post_up, std::vector<std::string>{"iptables -A FORWARD -i %i # all = of it", "b"});
  CHECK_EQ(config.hooks.pre_down, std::vector<std::string>{"c"});
  CHECK_EQ(config.hooks.post_down, std::vector<std::string>{"d", "e"});
  CHECK_FALSE(config.hooks.empty());
  CHECK(accepted(interface_with("# PostUp = a")).hooks.empty());
}

TEST_CASE("SaveConfig: true or false, in any case") {
  CHECK(accepted(interface_with("SaveConfig = true")).save_config);
  CHECK(accepted(interface_with("SaveConfig = TRUE")).save_config);
  CHECK_FALSE(accepted(interface_with("SaveConfig = true\nSaveConfig = false")).save_config);
  for (const auto* value : {"1", "yes", "tru e"}) {
    CAPTURE(value);
    CHECK(has(refused_value("SaveConfig = " + std::string(value)), "is neither true nor false"));
  }
}
