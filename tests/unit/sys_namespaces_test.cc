#include "shared/sys/namespaces.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "tests/support/machine.h"
#include "tests/support/temporary_folder.h"

namespace wg4 {
namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("a process and its file lead to the same network namespace") {
  if (!tells_kinds_of_namespaces()) return say_skipped("the kernel does not tell kinds of namespaces");
  const auto by_pid = open_netns(getpid());
  const auto by_path = open_netns("/proc/self/ns/net");
  REQUIRE(by_pid.has_value());
  REQUIRE(by_path.has_value());
  CHECK(same_namespace(by_pid->get(), by_path->get()).value());

  const auto user = open_userns("/proc/self/ns/user");
  REQUIRE(user.has_value());
  CHECK_FALSE(same_namespace(by_pid->get(), user->get()).value());
}

TEST_CASE("the error for a file that is no network namespace has the next step") {
  const TemporaryFolder folder;
  folder.write("empty", "");
  folder.write("text", "no namespace");
  REQUIRE(mkfifo((folder.path() + "/fifo").c_str(), 0600) == 0);

  const auto empty = open_netns(folder.path() + "/empty");
  REQUIRE_FALSE(empty.has_value());
  CHECK(contains(empty.error().message(), folder.path() + "/empty is not a network namespace"));
  CHECK(contains(empty.error().message(), "podman unshare"));

  for (const std::string name : {"/text", "/fifo", ""}) {
    CAPTURE(name);
    const auto opened = open_netns(folder.path() + name);
    REQUIRE_FALSE(opened.has_value());
    CHECK(contains(opened.error().message(), "/run/netns/NAME"));
  }

  const auto missing = open_netns(folder.path() + "/missing");
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().number == ENOENT);
  CHECK(contains(missing.error().what, "/missing"));
}

TEST_CASE("a namespace of another kind is refused") {
  if (!tells_kinds_of_namespaces()) return say_skipped("the kernel does not tell kinds of namespaces");
  const auto user_as_net = open_netns("/proc/self/ns/user");
  REQUIRE_FALSE(user_as_net.has_value());
  CHECK(contains(user_as_net.error().message(), "another kind"));
  CHECK_FALSE(open_userns("/proc/self/ns/net").has_value());
}

TEST_CASE("the error for a process that has ended names it") {
  const pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0) _exit(0);
  REQUIRE(waitpid(pid, nullptr, 0) == pid);
  const auto opened = open_netns(pid);
  REQUIRE_FALSE(opened.has_value());
  CHECK(contains(opened.error().message(), "no live process " + std::to_string(pid)));
}

TEST_CASE("each way in which a host restricts user namespaces is explained") {
  const TemporaryFolder sysctls;
  CHECK(userns_restriction(sysctls.path()).empty());
  sysctls.write("kernel/unprivileged_userns_clone", "1\n");
  sysctls.write("user/max_user_namespaces", "96365\n");
  sysctls.write("kernel/apparmor_restrict_unprivileged_userns", "0\n");
  CHECK(userns_restriction(sysctls.path()).empty());

  SUBCASE("Debian's sysctl") {
    sysctls.write("kernel/unprivileged_userns_clone", "0\n");
    CHECK(contains(userns_restriction(sysctls.path()), "sysctl -w kernel.unprivileged_userns_clone=1"));
  }
  SUBCASE("none allowed") {
    sysctls.write("user/max_user_namespaces", "0\n");
    CHECK(contains(userns_restriction(sysctls.path()), "sysctl -w user.max_user_namespaces="));
  }
  SUBCASE("AppArmor") {
    sysctls.write("kernel/apparmor_restrict_unprivileged_userns", "1\n");
    CHECK(contains(userns_restriction(sysctls.path()), "AppArmor"));
  }
}

}  // namespace
}  // namespace wg4
