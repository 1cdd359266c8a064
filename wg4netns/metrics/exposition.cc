#include "wg4netns/metrics/exposition.h"

#include <array>
#include <charconv>
#include <cstddef>

#include "shared/base/check.h"

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

/// A number as text, of the shortest form that reads back as the same.
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

std::uint8_t byte_at(std::string_view text, std::size_t at) { return static_cast<std::uint8_t>(text[at]); }

/// The smallest second byte for a first byte that allows not all of them (Unicode, table 3-7), and the largest.
bool second_byte_fits(std::uint8_t first, std::uint8_t second) {
  if (first == 0xe0) return second >= 0xa0;
  if (first == 0xed) return second <= 0x9f;
  if (first == 0xf0) return second >= 0x90;
  if (first == 0xf4) return second <= 0x8f;
  return true;
}

/// How many bytes the character at the front takes; 0 if it is no UTF-8.
std::size_t character_size(std::string_view text) {
  const std::uint8_t first = byte_at(text, 0);
  if (first < 0x80) return 1;
  const std::size_t size = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (size == 0 || text.size() < size || !second_byte_fits(first, byte_at(text, 1))) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((byte_at(text, i) & 0xc0) != 0x80) return 0;
  return size;
}

/// One text that is not UTF-8 would cost the reader all of the metrics.
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
