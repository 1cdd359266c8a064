#pragma once
// Prometheus's text format, version 0.0.4: families of samples, each with a HELP and a TYPE line in front.

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wg4::metrics {

struct Label {
  std::string_view name;   ///< [a-zA-Z_][a-zA-Z0-9_]*
  std::string_view value;  ///< any bytes: those that are not UTF-8 become U+FFFD
};
using Labels = std::span<const Label>;

enum class Type : std::uint8_t { counter, gauge, histogram };

class Exposition {
 public:
  /// Begins a family; its samples follow. `help` is one line.
  void family(std::string_view name, Type type, std::string_view help);

  void sample(Labels labels, std::uint64_t value);
  void sample(Labels labels, double value);
  void sample(std::initializer_list<Label> labels, std::uint64_t value) {
    sample(Labels(labels.begin(), labels.size()), value);
  }
  void sample(std::initializer_list<Label> labels, double value) {
    sample(Labels(labels.begin(), labels.size()), value);
  }

  struct Bucket {
    double bound;         ///< the largest value in it
    std::uint64_t count;  ///< in this bucket alone
  };
  /// Adds a histogram to the family. No value is larger than the last bound.
  void histogram(Labels labels, std::span<const Bucket> buckets, double sum);

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void line(std::string_view suffix, Labels labels, std::string_view value);

  std::string text_;
  std::string name_;  // of the family
};

}  // namespace wg4::metrics
