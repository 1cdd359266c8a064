#include "netns-helper/container/name_files.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "shared/net/ip_address.h"

namespace wg4::container {
namespace {

IpAddress address(const char* text) { return IpAddress::parse(text).value(); }

TEST_CASE("resolv.conf has the servers in their order, and the search domains") {
  const std::string text =
      make_resolv_conf({.servers = {address("10.2.0.1"), address("fd00::53")}, .search = {"corp.example", "lan"}});
  CHECK(text.starts_with("# "));
  CHECK(text.ends_with("\nnameserver 10.2.0.1\nnameserver fd00::53\nsearch corp.example lan\n"));
}

TEST_CASE("without servers resolv.conf says so, and has no line of another kind") {
  const std::string text = make_resolv_conf({.search = {"corp.example"}});
  CHECK(text.find("Names do not resolve") != std::string::npos);
  CHECK(text.find('\n') == text.size() - 1);
  CHECK(text.starts_with('#'));
}

TEST_CASE("hosts has localhost, the host's name at an address that sudo finds, and the added hosts") {
  const std::string text =
      make_hosts({.hostname = "box.lan", .hosts = {{"nas", address("192.0.2.7")}, {"nas", address("2001:db8::7")}}});
  CHECK(text ==
        "127.0.0.1\tlocalhost\n"
        "::1\tlocalhost ip6-localhost ip6-loopback\n"
        "ff02::1\tip6-allnodes\n"
        "ff02::2\tip6-allrouters\n"
        "127.0.1.1\tbox.lan box\n"
        "192.0.2.7\tnas\n"
        "2001:db8::7\tnas\n");
}

TEST_CASE("a hosts file of the user's stays as it is, and gets what it lacks") {
  const std::string complete = "127.0.0.1 localhost\n10.0.0.9\tother\tbox # mine\n";
  CHECK(make_hosts({.hostname = "box", .hosts_text = complete}) == complete);
  const std::string text = make_hosts({.hostname = "box", .hosts_text = "10.0.0.9 other #box localhost"});
  CHECK(text.starts_with("10.0.0.9 other #box localhost\n127.0.0.1\tlocalhost\n"));
  CHECK(text.ends_with("127.0.1.1\tbox\n"));
}

TEST_CASE("a host without a name, or called localhost, gets no line of its own") {
  CHECK(make_hosts({}).find("127.0.1.1") == std::string::npos);
  CHECK(make_hosts({.hostname = "localhost"}).find("127.0.1.1") == std::string::npos);
}

TEST_CASE("nsswitch.conf keeps all lines but that of hosts") {
  CHECK(make_nsswitch("# comment\npasswd: files systemd\n\nhosts: files mdns4_minimal [NOTFOUND=return] resolve dns\n"
                      "networks: files") == "# comment\npasswd: files systemd\n\nhosts: files dns\nnetworks: files\n");
}

TEST_CASE("every line that glibc takes for hosts is replaced, and a missing one is added") {
  for (const char* line :
       {"hosts:resolve", "  hosts : resolve", "\thosts\tresolve", "hosts resolve", "hosts:", "hosts"}) {
    CAPTURE(line);
    CHECK(make_nsswitch(line) == "hosts: files dns\n");
  }
  CHECK(make_nsswitch("hosts: resolve\nhosts: mymachines\ngroup: files\n") == "hosts: files dns\ngroup: files\n");
  CHECK(make_nsswitch("") == "hosts: files dns\n");
  CHECK(make_nsswitch("#hosts: resolve\nhostsx: files\n") == "#hosts: resolve\nhostsx: files\nhosts: files dns\n");
}

TEST_CASE("an added host is a name and an address") {
  CHECK(parse_added_host("nas.home:192.0.2.7").value() == AddedHost{"nas.home", address("192.0.2.7")});
  CHECK(parse_added_host("nas:2001:db8::7").value() == AddedHost{"nas", address("2001:db8::7")});
  CHECK(parse_added_host("nas:[::1]").value() == AddedHost{"nas", address("::1")});
  for (const char* text : {"", "nas", ":10.0.0.1", "nas:", "nas:10.0.0", "nas:host", "a b:10.0.0.1", "a\nb:10.0.0.1",
                           "nas:10.0.0.1\nx", "nas:[10.0.0.1", "#:10.0.0.1"}) {
    CAPTURE(text);
    const auto parsed = parse_added_host(text);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().message().find("NAME:ADDRESS") != std::string::npos);
    CHECK(parsed.error().message().find('\n') == std::string::npos);
  }
}

}  // namespace
}  // namespace wg4::container
