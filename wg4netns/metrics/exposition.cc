#include "wg4netns/metrics/exposition.h"

#include <array>
#include <charconv>
#include <cstddef>
#include <system_error>

#include "shared/base/check.h"
#include "shared/base/escaped_text.h"

namespace wg4::metrics {
namespace {

std::string_view name_of(Type type) {
  switch (type) {
    case Type::counter:
      return "counter";
    case Type::gauge:
      return "gauge";
    case Type::histogram:
      return "histogram";
  }
  return "untyped";
}

/// A number as text, in the shortest form that reads back as the same number.
class Number {
 public:
  template <class Value>
  explicit Number(Value value) {
    const auto result = std::to_chars(digits_.data(), digits_.data() + digits_.size(), value);
    CHECK(result.ec == std::errc{});
    size_ = static_cast<std::size_t>(result.ptr - digits_.data());
  }
  [[nodiscard]] std::string_view text() const { return {digits_.data(), size_}; }

 private:
  std::array<char, 32> digits_;
  std::size_t size_;
};

/// Because of one text that is not UTF-8, a reader would reject all of the metrics.
void append_escaped(std::string& out, std::string_view value) {
  while (!value.empty()) {
    const std::size_t size = character_size(value);
    const char first = value.front();
    if (size == 0) {
      out += "\xef\xbf\xbd";
    } else if (first == '\n') {
      out += "\\n";
    } else if (first == '\\' || first == '"') {
      out.append(1, '\\').append(1, first);
    } else {
      out += value.substr(0, size);
    }
    value.remove_prefix(size == 0 ? 1 : size);
  }
}

}  // namespace

void Exposition::family(std::string_view name, Type type, std::string_view help) {
  name_ = name;
  text_.append("# HELP ").append(name).append(" ").append(help).append("\n");
  text_.append("# TYPE ").append(name).append(" ").append(name_of(type)).append("\n");
}

void Exposition::sample(Labels labels, std::uint64_t value) { line("", labels, Number(value).text()); }

void Exposition::sample(Labels labels, double value) { line("", labels, Number(value).text()); }

void Exposition::histogram(Labels labels, std::span<const Bucket> buckets, double sum) {
  std::vector<Label> with_bound(labels.begin(), labels.end());
  std::uint64_t count = 0;
  for (const Bucket& bucket : buckets) {
    count += bucket.count;
    const Number bound(bucket.bound);
    with_bound.push_back({"le", bound.text()});
    line("_bucket", with_bound, Number(count).text());
    with_bound.pop_back();
  }
  with_bound.push_back({"le", "+Inf"});
  line("_bucket", with_bound, Number(count).text());
  line("_sum", labels, Number(sum).text());
  line("_count", labels, Number(count).text());
}

void Exposition::line(std::string_view suffix, Labels labels, std::string_view value) {
  text_.append(name_).append(suffix);
  char before = '{';
  for (const Label& label : labels) {
    text_.append(1, before).append(label.name).append("=\"");
    append_escaped(text_, label.value);
    text_ += '"';
    before = ',';
  }
  if (before == ',') text_ += '}';
  text_.append(" ").append(value).append("\n");
}

}  // namespace wg4::metrics
