#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "shared/net/protocol.h"
#include "wg4netns/forward/api_codec.h"
#include "wg4netns/forward/rule.h"

#include <doctest/doctest.h>

#include <string>
#include <variant>

// The errors are those of slirp4netns 1.2.0, seen when it ran.

namespace wg4::forward::api {
namespace {

const IpAddress guest = *IpAddress::parse("10.0.2.100");

std::string add(const std::string& arguments) { return R"({"execute":"add_hostfwd","arguments":)" + arguments + "}"; }

std::string error_of(const std::string& text) {
  const auto request = parse_request(text, guest);
  REQUIRE_FALSE(request.has_value());
  return refused(request.error().what);
}

Rule rule_of(const std::string& text) {
  const auto request = parse_request(text, guest);
  REQUIRE(request.has_value());
  REQUIRE(std::holds_alternative<Add>(*request));
  return std::get<Add>(*request).rule;
}

TEST_CASE("a request to add a rule, with and without addresses") {
  const Rule whole = rule_of(
      add(R"({"proto":"udp","host_addr":"127.0.0.1","host_port":5353,"guest_addr":"10.0.2.15","guest_port":53})"));
  CHECK(whole == Rule{Protocol::udp, *Endpoint::parse("127.0.0.1:5353"), *Endpoint::parse("10.0.2.15:53")});
  const Rule least{Protocol::tcp, *Endpoint::parse("0.0.0.0:8080"), {guest, 80}};
  CHECK(rule_of(add(R"({"proto":"tcp","host_port":8080,"guest_port":80})")) == least);
  CHECK(rule_of(add(R"({"proto":"tcp","host_addr":"","host_port":8080,"guest_addr":"","guest_port":80})") + "\n") ==
        least);
  CHECK(rule_of(add(R"({"proto":"tcp","host_addr":null,"host_port":8080.0,"guest_port":80})") + '\0') == least);
  const Rule v6 =
      rule_of(add(R"({"proto":"tcp","host_addr":"::1","host_port":1,"guest_addr":"fd00::5","guest_port":2})"));
  CHECK(v6 == Rule{Protocol::tcp, *Endpoint::parse("[::1]:1"), *Endpoint::parse("[fd00::5]:2")});
}

TEST_CASE("text that is not a request") {
  for (const char* text : {"", "\n", "x", "{", R"({"execute":"list_hostfwd",})", R"({"execute":"list_hostfwd"} x)"})
    CHECK(error_of(text) == R"({"error":{"desc":"bad request: cannot parse JSON"}})");
  for (const char* text : {"[]", "1", "null", R"("execute")", R"(["execute"])"})
    CHECK(error_of(text) == R"({"error":{"desc":"bad request: json_object() failed"}})");
  for (const char* text : {"{}", R"({"execute":1})", R"({"execute":null})"})
    CHECK(error_of(text) == R"({"error":{"desc":"bad request: no execute found"}})");
  CHECK(error_of(R"({"execute":"add"})") == R"({"error":{"desc":"bad request: unknown execute"}})");
  CHECK(error_of(std::string(4000, '[')) == R"({"error":{"desc":"bad request: cannot parse JSON"}})");
}

TEST_CASE("arguments that are bad are named, the first one in the order of the protocol") {
  const auto bad = [](const std::string& name) {
    return R"({"error":{"desc":"bad request: add_hostfwd: bad arguments.)" + name + R"("}})";
  };
  CHECK(error_of(R"({"execute":"add_hostfwd"})") == bad("proto"));
  for (const char* arguments : {"[]", "{}", R"({"proto":1})", R"({"proto":"sctp"})", R"({"proto":"TCP"})"})
    CHECK(error_of(add(arguments)) == bad("proto"));
  for (const char* value : {R"("x")", R"("localhost")", R"("127.0.0.1:80")", "1", "[]"})
    CHECK(error_of(add(R"({"proto":"tcp","host_addr":)" + std::string(value) + "}")) == bad("host_addr"));
  for (const char* value : {"0", "-1", "65536", "70000", "80.5", "1e300", R"("80")", "null", "true", "[80]"}) {
    CAPTURE(value);
    CHECK(error_of(add(R"({"proto":"tcp","host_port":)" + std::string(value) + "}")) == bad("host_port"));
    CHECK(error_of(add(R"({"proto":"tcp","host_port":1,"guest_port":)" + std::string(value) + "}")) ==
          bad("guest_port"));
  }
  CHECK(error_of(add(R"({"proto":"tcp","host_port":1,"guest_addr":"y","guest_port":0})")) == bad("guest_addr"));
}

TEST_CASE("list and remove") {
  CHECK(std::holds_alternative<List>(*parse_request(R"({"execute":"list_hostfwd"})", guest)));
  const auto removed_id = [](const std::string& id) {
    const auto request = parse_request(R"({"execute":"remove_hostfwd","arguments":{"id":)" + id + "}}", guest);
    REQUIRE(request.has_value());
    return std::get<Remove>(*request).id;
  };
  CHECK(removed_id("7") == 7);
  for (const char* id : {"0", "-1", "1.5", R"("1")", "null", "5000000000"}) CHECK(removed_id(id) == 0);
}

TEST_CASE("replies, byte for byte") {
  CHECK(added(1) == R"({"return":{"id":1}})");
  CHECK(removed() == R"({"return":{}})");
  CHECK(refused(add_failed) == R"({"error":{"desc":"bad request: add_hostfwd: slirp_add_hostfwd failed"}})");
  CHECK(refused(bad_id) == R"({"error":{"desc":"bad request: remove_hostfwd: bad arguments.id"}})");
  CHECK(refused(too_large) == R"({"error":{"desc":"bad request: too large message"}})");
  CHECK(listed({}) == R"({"entries":[]})");
  const Rule first{Protocol::tcp, *Endpoint::parse("0.0.0.0:8080"), {guest, 80}};
  const Rule second{Protocol::udp, *Endpoint::parse("127.0.0.1:53"), {guest, 53}};
  CHECK(listed({{1, first}, {3, second}}) ==
        R"({"entries":[{"id":1,"proto":"tcp","host_addr":"0.0.0.0","host_port":8080,"guest_addr":"10.0.2.100",)"
        R"("guest_port":80},{"id":3,"proto":"udp","host_addr":"127.0.0.1","host_port":53,"guest_addr":"10.0.2.100",)"
        R"("guest_port":53}]})");
}

}  // namespace
}  // namespace wg4::forward::api
