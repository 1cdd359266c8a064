// doctest has a macro of the same name, so this file holds its own expectations in REQUIRE and our CHECK in functions.

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <string>

#include "shared/base/check.h"

namespace {

void hold(bool condition) { CHECK(condition); }

}  // namespace

#undef CHECK
#include <doctest/doctest.h>

TEST_CASE("a CHECK that holds does nothing") { hold(true); }

TEST_CASE("a CHECK that does not hold aborts and names the condition") {
  std::array<int, 2> ends{};
  REQUIRE_EQ(pipe(ends.data()), 0);
  const pid_t child = fork();
  REQUIRE_GE(child, 0);
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    static_cast<void>(std::signal(SIGABRT, SIG_DFL));  // doctest reports the signal otherwise
    hold(false);
    _exit(0);
  }
  close(ends[1]);
  std::array<char, 512> text{};
  const ssize_t length = read(ends[0], text.data(), text.size());
  close(ends[0]);
  int status = 0;
  REQUIRE_EQ(waitpid(child, &status, 0), child);
  REQUIRE(WIFSIGNALED(status));
  REQUIRE_EQ(WTERMSIG(status), SIGABRT);
  REQUIRE_GT(length, 0);
  const std::string message(text.data(), static_cast<std::size_t>(length));
  REQUIRE_NE(message.find("CHECK(condition) does not hold"), std::string::npos);
  REQUIRE_NE(message.find("base_check_test.cc:"), std::string::npos);
}
