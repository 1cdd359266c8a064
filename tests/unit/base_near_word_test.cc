#include "shared/base/near_word.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>

using namespace wg4;

namespace {

constexpr std::array<std::string_view, 5> words{"show", "check", "doctor", "wg", "AllowedIPs"};

std::string_view nearest(std::string_view typed) { return nearest_word(typed, words); }

}  // namespace

TEST_CASE("a letter wrong, missing, too many, or swapped with its neighbour") {
  for (const auto* typed : {"show", "shwo", "sho", "shows", "shew", "SHOW"}) CHECK_EQ(nearest(typed), "show");
  CHECK_EQ(nearest("dcotro"), "");  // six letters allow one slip
  CHECK_EQ(nearest("docter"), "doctor");
  CHECK_EQ(nearest("Allowed-IP"), "AllowedIPs");  // ten allow two
}

TEST_CASE("no word is near a short word, or a very different one") {
  for (const auto* typed : {"wg0", "w", "up", "status", "", "container", "swan"}) CHECK_EQ(nearest(typed), "");
  CHECK_EQ(nearest("wg"), "wg");
  CHECK_EQ(nearest(std::string(100, 'a')), "");
}

TEST_CASE("the nearest of several") {
  constexpr std::array<std::string_view, 2> two{"genkey", "genkex"};
  CHECK_EQ(nearest_word("genkex", two), "genkex");
  CHECK_EQ(nearest_word("genkez", two), "genkey");  // the first of equals
}
