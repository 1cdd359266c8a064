#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "wg4netns/metrics/exposition.h"

namespace wg4::metrics {
namespace {

constexpr std::uint64_t one = 1;

/// A label's value as it is written, without the quotation marks.
std::string escaped(std::string_view value) {
  Exposition out;
  out.sample({{"a", value}}, one);
  const std::string& text = out.text();
  const std::size_t begin = text.find('"') + 1;
  return text.substr(begin, text.rfind('"') - begin);
}

TEST_CASE("families and samples") {
  Exposition out;
  out.family("a_total", Type::counter, "All of a");
  out.sample({}, std::uint64_t{18446744073709551615U});
  out.sample({{"x", "1"}, {"y", "two"}}, one);
  out.family("b_seconds", Type::gauge, "How long");
  out.sample({}, 0.25);
  out.sample({}, 1700000000.5);
  out.sample({}, 0.0);
  CHECK(out.text() ==
        "# HELP a_total All of a\n# TYPE a_total counter\na_total 18446744073709551615\na_total{x=\"1\",y=\"two\"} 1\n"
        "# HELP b_seconds How long\n# TYPE b_seconds gauge\nb_seconds 0.25\nb_seconds 1700000000.5\nb_seconds 0\n");
}

TEST_CASE("the buckets of a histogram are cumulative") {
  Exposition out;
  out.family("size", Type::histogram, "Sizes");
  constexpr std::array labels{Label{"d", "in"}};
  constexpr std::array buckets{Exposition::Bucket{1, 3}, Exposition::Bucket{2, 0}, Exposition::Bucket{4, 5}};
  out.histogram(labels, buckets, 21);
  CHECK(out.text() ==
        "# HELP size Sizes\n# TYPE size histogram\nsize_bucket{d=\"in\",le=\"1\"} 3\nsize_bucket{d=\"in\",le=\"2\"} 3\n"
        "size_bucket{d=\"in\",le=\"4\"} 8\nsize_bucket{d=\"in\",le=\"+Inf\"} 8\nsize_sum{d=\"in\"} 21\n"
        "size_count{d=\"in\"} 8\n");
}

TEST_CASE("values of labels are escaped") {
  CHECK(escaped("") == "");
  CHECK(escaped("a\\b\"c\nd") == "a\\\\b\\\"c\\nd");
  CHECK(escaped("\t{}=,# ") == "\t{}=,# ");
}

TEST_CASE("UTF-8 is kept, other bytes are replaced one by one") {
  for (const std::string text :
       {"Jürgens Läppi", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"})
    CHECK(escaped(text) == text);
  const std::string bad = "\xef\xbf\xbd";
  CHECK(escaped("a\xff"
                "b") == "a" + bad + "b");
  CHECK(escaped("\xc3") == bad);                                // cut off
  CHECK(escaped("\xc3(") == bad + "(");                         // no second byte
  CHECK(escaped("\xc0\xaf") == bad + bad);                      // longer than need be
  CHECK(escaped("\xe0\x80\xaf") == bad + bad + bad);            // likewise
  CHECK(escaped("\xed\xa0\x80") == bad + bad + bad);            // half of a surrogate pair
  CHECK(escaped("\xf4\x90\x80\x80") == bad + bad + bad + bad);  // beyond U+10FFFF
}

}  // namespace
}  // namespace wg4::metrics
