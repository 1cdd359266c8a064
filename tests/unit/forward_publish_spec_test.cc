#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "shared/net/protocol.h"
#include "wg4netns/forward/publish_spec.h"
#include "wg4netns/forward/rule.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace wg4::forward {
namespace {

const IpAddress loopback = *IpAddress::parse("127.0.0.1");

Rule rule(Protocol protocol, const char* host, const char* guest) {
  return {protocol, *Endpoint::parse(host), *Endpoint::parse(guest)};
}

TEST_CASE("every form of one port") {
  const std::vector<std::pair<const char*, Rule>> forms = {
      {"8080:80", rule(Protocol::tcp, "0.0.0.0:8080", "127.0.0.1:80")},
      {"8080:80/udp", rule(Protocol::udp, "0.0.0.0:8080", "127.0.0.1:80")},
      {"127.0.0.1:8080:80/tcp", rule(Protocol::tcp, "127.0.0.1:8080", "127.0.0.1:80")},
      {"8080:10.66.0.2:80", rule(Protocol::tcp, "0.0.0.0:8080", "10.66.0.2:80")},
      {"127.0.0.1:8080:10.66.0.2:80", rule(Protocol::tcp, "127.0.0.1:8080", "10.66.0.2:80")},
      {"[::1]:8080:80", rule(Protocol::tcp, "[::1]:8080", "127.0.0.1:80")},
      {"8080:[fd00::5]:80", rule(Protocol::tcp, "0.0.0.0:8080", "[fd00::5]:80")},
      {"[::]:1:[::1]:65535/udp", rule(Protocol::udp, "[::]:1", "[::1]:65535")},
  };
  for (const auto& [text, wanted] : forms) {
    CAPTURE(text);
    const auto rules = parse_publish(text, loopback);
    REQUIRE(rules.has_value());
    REQUIRE(rules->size() == 1);
    CHECK(rules->front() == wanted);
  }
}

TEST_CASE("a range makes one rule for each port") {
  const auto rules = parse_publish("127.0.0.1:8000-8002:9000-9002/udp", loopback);
  REQUIRE(rules.has_value());
  REQUIRE(rules->size() == 3);
  CHECK((*rules)[2] == rule(Protocol::udp, "127.0.0.1:8002", "127.0.0.1:9002"));
  CHECK(parse_publish("1-65535:1-65535", loopback)->size() == 65535);
}

TEST_CASE("an error quotes the wrong text") {
  const auto error = [](const char* text) {
    const auto rules = parse_publish(text, loopback);
    REQUIRE_FALSE(rules.has_value());
    return rules.error().what;
  };
  for (const char* text : {"",
                           "80",
                           ":",
                           "0:80",
                           "80:0",
                           "80:65536",
                           "80:",
                           ":80",
                           "a:80",
                           "80:81:82:83:84",
                           "80:x:81",
                           "localhost:80:81",
                           "::1:80:81",
                           "[127.0.0.1]:80:81",
                           "80:81/",
                           "80:81/sctp",
                           "8-9:8-10",
                           "9-8:9-8",
                           "1-2-3:1-2-3",
                           "80 :81",
                           "+80:81",
                           "[::1:80:81",
                           "127.0.0.1:80:127.0.0.1"}) {
    CAPTURE(text);
    CHECK(error(text).starts_with("--publish " + std::string(text) + ": "));
  }
  CHECK(error("80:81/sctp") == "--publish 80:81/sctp: the protocol is neither tcp nor udp");
  CHECK(error("8-9:8-10") == "--publish 8-9:8-10: the two ranges of ports differ in length");
}

}  // namespace
}  // namespace wg4::forward
