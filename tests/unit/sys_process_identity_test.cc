#include "shared/sys/process_identity.h"

#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>

namespace wg4 {
namespace {

TEST_CASE("a process is the same one for as long as it runs") {
  const auto first = ProcessIdentity::of(getpid());
  REQUIRE_MESSAGE(first.has_value(), first.error().message());
  CHECK(first->pid == getpid());
  CHECK(first->start > 0);
  CHECK(ProcessIdentity::of(getpid()) == *first);
  CHECK(ProcessIdentity::parse(first->to_string()) == *first);
  CHECK_FALSE(first->has_ended());
}

TEST_CASE("a name with parentheses and spaces hides nothing") {
  const auto before = ProcessIdentity::of(getpid());
  REQUIRE(prctl(PR_SET_NAME, "a) Z 1 (b) X 2") == 0);
  const auto after = ProcessIdentity::of(getpid());
  REQUIRE(prctl(PR_SET_NAME, "unit_sys_identity") == 0);
  REQUIRE(before.has_value());
  CHECK(after == *before);
}

TEST_CASE("one that has ended is known to have, also before its parent has asked") {
  const pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0)
    for (;;) pause();
  const auto child = ProcessIdentity::of(pid);
  REQUIRE(child.has_value());
  CHECK_FALSE(child->has_ended());
  REQUIRE(kill(pid, SIGKILL) == 0);
  siginfo_t info{};
  REQUIRE(waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0);
  CHECK(child->has_ended());
  REQUIRE(waitpid(pid, nullptr, 0) == pid);
  CHECK(child->has_ended());
  CHECK_FALSE(ProcessIdentity::of(pid).has_value());
}

TEST_CASE("the same PID with another start is another process; in another namespace nobody can tell") {
  auto other = ProcessIdentity::of(getpid());
  REQUIRE(other.has_value());
  other->start += 1;
  CHECK(other->has_ended());
  other->pid_namespace += 1;
  CHECK_FALSE(other->has_ended());
}

TEST_CASE("only what to_string() writes is read") {
  for (const char* text :
       {"", ".", "..", "1.2", "1.2.", ".2.3", "1.2.3.", "1.2.3.4", "1.2.3 ", " 1.2.3", "+1.2.3", "1.-2.3", "1.0.3",
        "01.2.3", "1.2.03", "1.99999999999.3", "1.2.99999999999999999999", "a.b.c"})
    CHECK_MESSAGE(!ProcessIdentity::parse(text), text);
  CHECK(ProcessIdentity::parse("1.2.0") == ProcessIdentity{.pid_namespace = 1, .pid = 2, .start = 0});
}

}  // namespace
}  // namespace wg4
