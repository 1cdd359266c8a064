#include <doctest/doctest.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"
#include "shared/wire/wire.h"
#include "wg4netns/engines/netavark_json.h"
#include "wg4netns/supervise/broker_message.h"

namespace wg4 {
namespace {

using broker::Request;

const Request start{.kind = Request::Kind::start,
                    .key = "4711/eth0",
                    .ifname = "eth0",
                    .config = "/etc/vpn.conf",
                    .mtu = "",
                    .ports = {"8080:80", "5353:53/udp"}};

TEST_CASE("requests to the broker come back as they were") {
  Request stop;
  stop.key = "4711/eth0";
  for (const Request& request : {start, stop}) {
    const auto bytes = broker::encode(request);
    REQUIRE(bytes.has_value());
    const auto again = broker::decode(*bytes);
    REQUIRE(again.has_value());
    CHECK(*again == request);
  }
}

TEST_CASE("a request that is cut, too long or senseless") {
  const auto bytes = broker::encode(start);
  CHECK_FALSE(broker::decode(ByteView(*bytes).first(bytes->size() - 1)).has_value());
  CHECK_FALSE(broker::decode({}).has_value());
  const auto nameless = broker::encode(Request{});
  REQUIRE(nameless.has_value());
  CHECK_FALSE(broker::decode(*nameless).has_value());
  Request large = start;
  large.ports.assign(broker::max_ports, "12345:12345");
  CHECK(broker::encode(large).error().message().find("Publish ranges") != std::string::npos);
  Request cut = start;
  cut.mtu = std::string("1\0", 2);
  CHECK(broker::encode(cut).error().number == EINVAL);
}

TEST_CASE("a reply can be any text") {
  CHECK(broker::reply_of("").error.empty());
  CHECK(broker::reply_of("why\nso").error == "why\nso");
  CHECK(wire::encode(broker::reply_of(std::string(100'000, '\0'))).has_value());
}

std::string container(const std::string& options, const std::string& ports) {
  return R"({"container_id":"4711","container_name":"box","port_mappings":)" + ports +
         R"(,"network":{"name":"vpn","options":)" + options + R"(},"network_options":{"interface_name":"eth0"}})";
}

TEST_CASE("a request of netavark about a container") {
  const auto parsed = netavark::parse_container(
      container(R"({"profile":"blue","mtu":"1300","publish":"true"})",
                R"([{"container_port":80,"host_ip":"::1","host_port":8080,"protocol":"tcp","range":3}])"));
  REQUIRE(parsed.has_value());
  CHECK(parsed->id == "4711");
  CHECK(parsed->ifname == "eth0");
  CHECK(parsed->options.profile == "blue");
  CHECK(parsed->options.mtu == "1300");
  CHECK(parsed->options.publish == true);
  REQUIRE(parsed->ports.size() == 1);
  CHECK(parsed->ports[0].host_address == "::1");
  CHECK(parsed->ports[0].host_port == 8080);
  CHECK(parsed->ports[0].range == 3);
  const auto bare = netavark::parse_container(container("null", "null"));
  REQUIRE(bare.has_value());
  CHECK(bare->ports.empty());
  CHECK_FALSE(bare->options.publish.has_value());
}

TEST_CASE("an error names what is wrong with it") {
  for (const auto& [text, name] : std::vector<std::pair<std::string, std::string>>{
           {"", "JSON"},
           {"null", "JSON"},
           {std::string(netavark::max_input + 1, ' '), "1 MiB"},
           {"{}", "container_id"},
           {container("7", "[]"), "options"},
           {container(R"({"config":7})", "[]"), "config"},
           {container(R"({"config":"a\nb"})", "[]"), "config"},
           {container(R"({"publish":"maybe"})", "[]"), "publish"},
           {container("{}", "{}"), "port_mappings"},
           {container("{}", "[7]"), "port_mappings"},
           {container("{}", R"([{"container_port":80,"host_port":-1,"protocol":"tcp"}])"), "host_port"},
           {container("{}", R"([{"container_port":65536,"host_port":1,"protocol":"tcp"}])"), "container_port"},
           {container("{}", R"([{"container_port":80,"host_port":8080}])"), "protocol"},
           {container("{}", R"([{"container_port":80,"host_port":65535,"range":2,"protocol":"tcp"}])"), "65535"},
       }) {
    CAPTURE(text.substr(0, 200));
    const auto parsed = netavark::parse_container(text);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().message().find(name) != std::string::npos);
  }
}

TEST_CASE("a network is kept as it is, but for addresses of the engine's own") {
  const auto made =
      netavark::parse_network(R"({"name":"vpn","id":"2f","driver":"wireguard","new":[1],"subnets":null})");
  REQUIRE(made.has_value());
  CHECK(made->text == R"({"dns_enabled":false,"driver":"wireguard","id":"2f","ipam_options":{"driver":"none"},)"
                      R"("name":"vpn","new":[1],"subnets":null})"
                      "\n");
}

TEST_CASE("answers are JSON whatever is in them") {
  CHECK(netavark::error("a \"b\"\n\xff") == "{\"error\":\"a \\\"b\\\"\\n\xef\xbf\xbd\"}\n");
  CHECK(netavark::status({"eth0", {*Prefix::parse("10.66.0.2/32")}, {*IpAddress::parse("10.66.0.1")}, {"lan"}}) ==
        R"({"dns_search_domains":["lan"],"dns_server_ips":["10.66.0.1"],"interfaces":{"eth0":{"mac_address":)"
        R"("00:00:00:00:00:00","subnets":[{"gateway":null,"ipnet":"10.66.0.2/32"}]}}})"
        "\n");
}

}  // namespace
}  // namespace wg4
