#include "shared/base/result.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <memory>
#include <string>

using namespace wg4;

namespace {

Result<int> parse_digit(char c) {
  if (c < '0' || c > '9') return fail("read a digit", EINVAL, "Give 0 to 9");
  return c - '0';
}

Result<int> add_digits(char left, char right, int& reached) {
  const int first = TRY(parse_digit(left));
  ++reached;
  const int second = TRY(parse_digit(right));
  ++reached;
  return first + second;
}

Result<void> check_digit(char c) {
  if (c < '0' || c > '9') return fail("check a digit", EINVAL);
  return {};
}

Result<int> check_then_one(char c) {
  TRY(check_digit(c));
  return 1;
}

Result<std::unique_ptr<int>> boxed(int value) { return std::make_unique<int>(value); }

Result<std::unique_ptr<int>> passed_on(int value) {
  auto box = TRY(boxed(value));
  ++*box;
  return box;
}

}  // namespace

TEST_CASE("an error is one sentence: what, why, and the next step") {
  CHECK_EQ(Error{"open /dev/net/tun", ENOENT, "modprobe tun"}.message(),
           "open /dev/net/tun: No such file or directory. modprobe tun");
  CHECK_EQ(Error{"open x", ENOENT, ""}.message(), "open x: No such file or directory");
  CHECK_EQ(Error{"line 3: unknown key", 0, "Remove it"}.message(), "line 3: unknown key. Remove it");
  CHECK_EQ(Error{"line 3: unknown key", 0, ""}.message(), "line 3: unknown key");
}

TEST_CASE("fail makes the error of any Result") {
  const Result<std::string> failed = fail("read x", EIO, "try again");
  REQUIRE_FALSE(failed.has_value());
  CHECK_EQ(failed.error().what, "read x");
  CHECK_EQ(failed.error().number, EIO);
  CHECK_EQ(failed.error().hint, "try again");
}

TEST_CASE("fail_in puts the context in front and keeps the rest") {
  const Result<void> failed = fail_in("wg0.conf", Error{"line 3: unknown key", EINVAL, "Remove it"});
  REQUIRE_FALSE(failed.has_value());
  CHECK_EQ(failed.error().what, "wg0.conf: line 3: unknown key");
  CHECK_EQ(failed.error().number, EINVAL);
  CHECK_EQ(failed.error().hint, "Remove it");
}

TEST_CASE("TRY yields the value or returns the error at once") {
  int reached = 0;
  CHECK_EQ(add_digits('2', '3', reached).value(), 5);
  CHECK_EQ(reached, 2);

  reached = 0;
  const auto failed = add_digits('2', 'x', reached);
  CHECK_EQ(reached, 1);
  REQUIRE_FALSE(failed.has_value());
  CHECK_EQ(failed.error().number, EINVAL);
}

TEST_CASE("TRY serves results without a value and values that only move") {
  CHECK_EQ(check_then_one('7').value(), 1);
  CHECK_FALSE(check_then_one('x').has_value());
  CHECK_EQ(*passed_on(41).value(), 42);
}
