#include "wg4netns/engines/oci_state.h"

#include <doctest/doctest.h>

#include <map>
#include <string>

#include "wg4netns/daemon/container_resolv_conf.h"

namespace wg4::oci {
namespace {

// The state that crun 1.8.1 passes to the hooks of podman 4.3.1, shortened.
constexpr const char* from_crun = R"({"ociVersion":"1.0","id":"77c5acdda053","pid":49,"root":"/s/vfs/dir/dce2",
  "bundle":"/s/vfs-containers/77c5acdda053/userdata","status":"created","annotations":{
  "io.container.manager":"libpod","io.wireguard4netns.profile":"blue","io.wireguard4netns.ifname":"vpn0",
  "org.opencontainers.image.stopSignal":"15"}})";

std::string with_annotations(const std::string& annotations) {
  return R"({"id":"a","pid":1,"bundle":"/b","annotations":)" + annotations + "}";
}

std::string with(const std::string& id, const std::string& pid, const std::string& bundle) {
  return R"({"id":)" + id + R"(,"pid":)" + pid + R"(,"bundle":)" + bundle +
         R"(,"annotations":{"io.wireguard4netns.profile":"x"}})";
}

TEST_CASE("a runtime's state, and our annotations in it") {
  const auto state = parse_state(from_crun);
  REQUIRE(state.has_value());
  CHECK(state->id == "77c5acdda053");
  CHECK(state->pid == 49);
  CHECK(state->bundle == "/s/vfs-containers/77c5acdda053/userdata");
  CHECK(state->annotations == std::map<std::string, std::string>{{"profile", "blue"}, {"ifname", "vpn0"}});
}

TEST_CASE("a container that does not concern us needs nothing else") {
  for (const char* text : {"{}", R"({"annotations":null})", R"({"annotations":[1]})", R"({"annotations":{}})",
                           R"({"annotations":{"io.wireguard4netns":"x","x.io.wireguard4netns.profile":"x"}})"}) {
    const auto state = parse_state(text);
    REQUIRE(state.has_value());
    CHECK(state->annotations.empty());
  }
}

TEST_CASE("text that is not a state") {
  for (const std::string& text :
       {std::string(), std::string("x"), std::string("[]"), std::string("null"), std::string("{}{}"),
        std::string(max_state_size, '['), std::string("{\"a\":\"\xff\"}")})
    CHECK(parse_state(text).error().what == "standard input is not a JSON object");
}

TEST_CASE("annotations of ours are words") {
  for (const char* annotations :
       {R"({"io.wireguard4netns.profile":1})", R"({"io.wireguard4netns.profile":""})",
        R"({"io.wireguard4netns.profile":null})", R"({"io.wireguard4netns.profile":"a\u0000b"})",
        R"({"io.wireguard4netns.profile":"a\nb"})", R"({"io.wireguard4netns.profile":"a\u007f"})",
        R"({"io.wireguard4netns.pro\u001bfile":"a"})"})
    CHECK_FALSE(parse_state(with_annotations(annotations)).has_value());
  const auto state = parse_state(with_annotations(R"({"io.wireguard4netns.profile":"é b"})"));
  REQUIRE(state.has_value());
  CHECK(state->annotations.at("profile") == "é b");
}

TEST_CASE("a container of ours has an id, a process and a bundle") {
  REQUIRE(parse_state(with(R"("a")", "2147483647", R"("/b")")).has_value());
  for (const char* pid : {"0", "-1", "1.5", "2147483648", "18446744073709551616", "\"1\"", "null"})
    CHECK(parse_state(with(R"("a")", pid, R"("/b")")).error().what == "the container's state has no process id");
  for (const char* id : {R"("")", "1", R"("a\n")"}) CHECK_FALSE(parse_state(with(id, "1", R"("/b")")).has_value());
  for (const char* bundle : {R"("")", "1", R"("b")", R"("/\u0000")"})
    CHECK_FALSE(parse_state(with(R"("a")", "1", bundle)).has_value());
}

State container() { return {.id = "77c5", .pid = 1, .bundle = "/b", .annotations = {}}; }

TEST_CASE("the resolv.conf of a container without a mount there is in its root folder") {
  const auto absolute = find_resolv_conf(R"({"root":{"path":"/s/dce2"}})", container());
  REQUIRE(absolute.has_value());
  CHECK(*absolute == ContainerResolvConf{"/s/dce2", "etc/resolv.conf"});
  const auto relative = find_resolv_conf(
      R"({"mounts":[{"destination":"/etc/hosts","source":"/h"}, 1, {}],"root":{"path":"rootfs"}})", container());
  REQUIRE(relative.has_value());
  CHECK(*relative == ContainerResolvConf{"/b", "rootfs/etc/resolv.conf"});
  const auto in_the_bundle = find_resolv_conf(R"({"root":{"path":"/b/root/fs"}})", container());
  REQUIRE(in_the_bundle.has_value());
  CHECK(*in_the_bundle == ContainerResolvConf{"/b", "root/fs/etc/resolv.conf"});
}

TEST_CASE("the engine's own file is written where it is, the user's never") {
  const auto mounted = [](const std::string& source) {
    return R"({"mounts":[{"destination":"/etc/resolv.conf","source":)" + source + R"(}],"root":{"path":"rootfs"}})";
  };
  const auto engines = find_resolv_conf(mounted(R"("/run/77c5/userdata/resolv.conf")"), container());
  REQUIRE(engines.has_value());
  CHECK(*engines == ContainerResolvConf{"/run/77c5/userdata/", "resolv.conf"});
  for (const char* source : {R"("/srv/resolv.conf")", R"("/run/77c52/resolv.conf")", R"("/run/77c5")", "1"}) {
    const auto users = find_resolv_conf(mounted(source), container());
    REQUIRE(users.has_value());
    CHECK_FALSE(users->has_value());
  }
  const auto hosts = find_resolv_conf(R"({"root":{"path":"/"}})", container());
  REQUIRE(hosts.has_value());
  CHECK_FALSE(hosts->has_value());
}

TEST_CASE("the file is that of the container's root, whoever that is outside") {
  const auto owner = [](const std::string& linux) {
    return find_resolv_conf(R"({"root":{"path":"/s"},"linux":)" + linux + "}", container()).value()->owner;
  };
  CHECK(owner(R"({"uidMappings":[{"containerID":1000,"hostID":0},{"containerID":0,"hostID":77}]})") == 77);
  for (const char* none : {"1", "{}", R"({"uidMappings":1})", R"({"uidMappings":[1,{}]})",
                           R"({"uidMappings":[{"containerID":0,"hostID":4294967296}]})"})
    CHECK(owner(none) == 0);
}

TEST_CASE("text that is not a container's configuration") {
  for (const char* text : {"", "[]", "{}", R"({"root":1})", R"({"root":{"path":""}})", R"({"root":{"path":"a\u0000"}})",
                           R"({"mounts":1})", R"({"mounts":{"destination":"/etc/resolv.conf"}})"})
    CHECK_FALSE(find_resolv_conf(text, container()).has_value());
}

}  // namespace
}  // namespace wg4::oci
