#include "shared/base/escaped_text.h"

#include <doctest/doctest.h>

#include <string>

using namespace wg4;

TEST_CASE("the size of a UTF-8 character") {
  CHECK_EQ(character_size(""), 0U);
  CHECK_EQ(character_size("a"), 1U);
  CHECK_EQ(character_size("\xc3\xa9!"), 2U);
  CHECK_EQ(character_size("\xe2\x82\xac"), 3U);
  CHECK_EQ(character_size("\xf0\x9f\x98\x80"), 4U);
  for (const char* none : {"\xe9", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xe0\x80\x80", "\xf4\x90\x80\x80", "\xff"})
    CHECK_EQ(character_size(none), 0U);
}

TEST_CASE("escaped text is one line, and is restored by unescape") {
  CHECK_EQ(escape("/etc/My \"home\".conf"), "/etc/My \"home\".conf");
  CHECK_EQ(escape("a\\tb"), "a\\\\tb");
  CHECK_EQ(escape("a\nb\tc\rd\x1b[2J"), "a\\nb\\tc\\x0dd\\x1b[2J");
  CHECK_EQ(escape("caf\xe9.conf"), "caf\\xe9.conf");
  CHECK_EQ(escape("caf\xc3\xa9.conf"), "caf\xc3\xa9.conf");
  CHECK_EQ(escape("\xc2\x9b"), "\\xc2\\x9b");  // CSI, to an old terminal
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  all += all;
  CHECK_EQ(escape(all).find('\n'), std::string::npos);
  CHECK_EQ(unescape(escape(all)).value(), all);
}

TEST_CASE("unescape refuses text that escape cannot have made") {
  for (const char* text : {"\\", "\\q", "\\x", "\\x1", "\\xg0", "\\x-1", "\\x 1"}) CHECK_FALSE(unescape(text));
}

TEST_CASE("text for people keeps its backslashes") { CHECK_EQ(printable("a\\b\x1b[31m\n"), "a\\b\\x1b[31m\\n"); }
