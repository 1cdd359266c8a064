#include "shared/config/conf_text.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

using namespace wg4::conf_text;
using namespace std::string_view_literals;

namespace {

std::vector<std::string_view> pieces(std::string_view text) {
  std::vector<std::string_view> all;
  for (std::optional rest = text; rest;) all.push_back(cut(rest, ','));
  return all;
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> all;
  for (auto word = next_word(text); !word.empty(); word = next_word(text)) all.push_back(word);
  return all;
}

}  // namespace

TEST_CASE("white space is that of the C locale, and NUL") {
  for (const char c : " \t\n\v\f\r\0"sv) CHECK(is_space(c));
  for (const char c : "\x08\x0e!a0\x7f\x80\xa0"sv) CHECK_FALSE(is_space(c));
  CHECK_EQ(trimmed("\t a b \r"), "a b");
  CHECK_EQ(trimmed(" \t"), "");
}

TEST_CASE("case is ignored for ASCII letters alone") {
  CHECK(equal_ignoring_case("AbZ[", "aBz["));
  CHECK_FALSE(equal_ignoring_case("ab", "abc"));
  CHECK_FALSE(equal_ignoring_case("[", "{"));
  CHECK_FALSE(equal_ignoring_case("@", "`"));
}

TEST_CASE("cut gives every piece, the empty ones, too") {
  CHECK_EQ(pieces("a,b"), std::vector{"a"sv, "b"sv});
  CHECK_EQ(pieces(",a,,"), std::vector{""sv, "a"sv, ""sv, ""sv});
  CHECK_EQ(pieces(""), std::vector{""sv});
}

TEST_CASE("next_word skips all separators") {
  CHECK_EQ(words(" a,b\t,, c ,"), std::vector{"a"sv, "b"sv, "c"sv});
  CHECK(words(" , ").empty());
}

TEST_CASE("squeezed text has no white space, and is not copied if there was none inside") {
  const auto text = "  abc  "sv;
  const Squeezed same(text);
  CHECK_EQ(same.view(), "abc");
  CHECK_EQ(static_cast<const void*>(same.view().data()), static_cast<const void*>(text.data() + 2));
  CHECK_EQ(Squeezed("a b\0c\r"sv).view(), "abc");
  CHECK_EQ(Squeezed(" \t").view(), "");
}

TEST_CASE("shown quotes short words and hides text that may be a key") {
  CHECK_EQ(shown("ListenPort 5", "x"), "'ListenPort 5'");
  CHECK_EQ(shown("", "x"), "''");
  CHECK_EQ(shown(std::string(24, 'a'), "x"), "'" + std::string(24, 'a') + "'");
  CHECK_EQ(shown(std::string(25, 'a'), "x"), "x");
  CHECK_EQ(shown("." + std::string(25, '+') + ".", "x"), "x");
  CHECK_EQ(shown(std::string(81, '.'), "x"), "x");
  CHECK_EQ(shown("a\nb", "x"), "x");
  CHECK_EQ(shown("\xc3\xa4", "x"), "x");
}
