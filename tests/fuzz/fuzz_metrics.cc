// Unknown clients may scrape metrics. No request may crash; the verdict is the same however the request is cut; and a
// sample stays one line for every label.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "shared/base/check.h"
#include "wg4netns/metrics/exposition.h"
#include "wg4netns/metrics/http_request.h"

namespace {

/// Is this the value of a label, with its escapes, and no byte that UTF-8 never has?
void check_value(std::string_view value) {
  for (std::size_t i = 0; i < value.size(); ++i) {
    CHECK(value[i] != '\n' && value[i] != '"' && value[i] != '\xff');
    if (value[i] != '\\') continue;
    ++i;
    CHECK(i < value.size() && (value[i] == '\\' || value[i] == '"' || value[i] == 'n'));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace metrics = wg4::metrics;
  const std::string text(data, data + size);
  const auto verdict = metrics::judge_request(text);
  CHECK(verdict || size <= metrics::max_request);
  if (verdict) {
    CHECK(metrics::response_head(verdict->status, size).ends_with("\r\n\r\n"));
    CHECK(metrics::judge_request(text + "behind") == verdict);
  }
  const auto numbers = metrics::judge_request(text, metrics::Hosts::numbers);
  CHECK(numbers == verdict || (verdict && numbers && numbers->status == metrics::Status::misdirected));
  for (std::size_t cut = 0; cut < std::min<std::size_t>(size, 64); ++cut) {
    const auto early = metrics::judge_request(std::string_view(text).substr(0, cut));
    CHECK(!early || early == verdict);
  }

  metrics::Exposition out;
  out.sample({{"label", text}}, std::uint64_t{1});
  std::string_view line = out.text();
  CHECK(line.starts_with("{label=\"") && line.ends_with("\"} 1\n"));
  line.remove_prefix(8);
  line.remove_suffix(5);
  check_value(line);
  return 0;
}
