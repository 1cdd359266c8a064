#include "shared/base/unique_fd.h"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <type_traits>
#include <utility>

using wg4::UniqueFd;

namespace {

int open_null() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

}  // namespace

TEST_CASE("an owner closes what it owns") {
  const int number = open_null();
  REQUIRE_GE(number, 0);
  {
    const UniqueFd fd(number);
    CHECK(fd.valid());
    CHECK_EQ(fd.get(), number);
    CHECK(is_open(number));
  }
  CHECK_FALSE(is_open(number));
}

TEST_CASE("an empty owner is not valid and closes nothing") {
  UniqueFd fd;
  CHECK_FALSE(fd.valid());
  CHECK_EQ(fd.get(), -1);
  fd.reset();
  CHECK_EQ(fd.release(), -1);
}

TEST_CASE("ownership moves; it is never shared") {
  CHECK_FALSE(std::is_copy_constructible_v<UniqueFd>);
  const int number = open_null();
  UniqueFd first(number);
  UniqueFd second(std::move(first));
  CHECK_FALSE(first.valid());  // NOLINT(bugprone-use-after-move,clang-analyzer-cplusplus.Move): that is the promise
  CHECK_EQ(second.get(), number);

  const int other = open_null();
  UniqueFd third(other);
  third = std::move(second);
  CHECK_EQ(third.get(), number);
  CHECK_FALSE(is_open(other));  // what it had before is closed
  CHECK(is_open(number));

  UniqueFd& itself = third;
  third = std::move(itself);
  CHECK(is_open(number));
}

TEST_CASE("release gives the number away, reset takes another one") {
  const int number = open_null();
  UniqueFd fd(number);
  CHECK_EQ(fd.release(), number);
  CHECK_FALSE(fd.valid());
  CHECK(is_open(number));

  fd.reset(number);
  const int other = open_null();
  fd.reset(other);
  CHECK_FALSE(is_open(number));
  CHECK_EQ(fd.get(), other);
  fd.reset();
  CHECK_FALSE(is_open(other));
}
