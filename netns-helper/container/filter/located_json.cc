// The library's parser reports each value when it has read it, and does not say where it was. But it reads the text
// through an iterator, byte by byte and at most one byte further than the value: so an iterator that tells how far it
// has come gives the place where the value ends, and the next value begins after white space, commas and colons.

#include "netns-helper/container/filter/located_json.h"

#include <algorithm>
#include <expected>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "shared/base/escaped_text.h"

namespace wg4::container::filter {
namespace {

class TellingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  TellingIterator(const char* at, const char*& furthest) : at_(at), furthest_(&furthest) {}
  reference operator*() const { return *at_; }
  TellingIterator& operator++() {
    *furthest_ = ++at_;
    return *this;
  }
  bool operator==(const TellingIterator& other) const { return at_ == other.at_; }

 private:
  const char* at_;
  const char** furthest_;
};

/// Takes what the parser reports, and makes the tree of it. Each function returns whether the parser is to go on.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Builder(const NamedText& text) : text_(text), end_(text.text().data()) {}

  [[nodiscard]] const char*& furthest() { return end_; }
  [[nodiscard]] Result<LocatedJson> result(bool whole) && {
    if (error_) return std::unexpected(*std::move(error_));
    if (!whole) return text_.fail_at(position(), "this is not JSON");
    return std::move(root_);
  }

  bool null() override { return add(JsonNull{}); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t /*value*/) override { return add(JsonOtherNumber{}); }
  bool number_unsigned(number_unsigned_t value) override { return add(std::uint64_t{value}); }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return add(JsonOtherNumber{}); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t& /*value*/) override { return false; }  // no text has it
  bool start_object(std::size_t /*size*/) override { return open(JsonObject{}); }
  bool start_array(std::size_t /*size*/) override { return open(JsonArray{}); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& key) override {
    const std::size_t offset = next_begin();
    auto& members = std::get<JsonObject>(open_.back()->value);
    if (std::ranges::find(members, key, &JsonMember::key) != members.end())
      return refuse(offset, "the key \"" + printable(key) + "\" is here for the second time");
    if (members.size() == max_json_keys) return refuse(offset, "there are too many keys");
    members.push_back({std::move(key), offset, {}});
    begin_ = position();
    return true;
  }

  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::json::exception& /*exception*/) override {
    return refuse(position == 0 ? 0 : position - 1, "this is not JSON");
  }

 private:
  [[nodiscard]] std::size_t position() const { return static_cast<std::size_t>(end_ - text_.text().data()); }

  [[nodiscard]] std::size_t next_begin() const {
    const std::size_t begin = text_.text().find_first_not_of(" \t\r\n,:", begin_);
    return std::min(begin, position());
  }

  bool refuse(std::size_t offset, const std::string& what) {
    if (!error_) error_ = text_.fail_at(offset, what).error();
    return false;
  }

  template <class T>
  LocatedJson* place(T value) {
    const std::size_t offset = next_begin();
    begin_ = position();
    LocatedJson* place = &root_;
    if (!open_.empty()) {
      if (auto* const members = std::get_if<JsonObject>(&open_.back()->value))
        place = &members->back().value;
      else
        place = &std::get<JsonArray>(open_.back()->value).emplace_back();
    }
    *place = {std::move(value), offset};
    return place;
  }

  template <class T>
  bool add(T value) {
    place(std::move(value));
    return true;
  }

  /// The pointers stay valid: what is open gets no brothers.
  template <class T>
  bool open(T value) {
    if (open_.size() == max_json_depth) return refuse(next_begin(), "there are too many levels");
    open_.push_back(place(std::move(value)));
    return true;
  }

  bool close() {
    open_.pop_back();
    begin_ = position();
    return true;
  }

  const NamedText& text_;
  const char* end_;        // how far the parser has read
  std::size_t begin_ = 0;  // the offset after the last value or key
  LocatedJson root_;
  std::vector<LocatedJson*> open_;
  std::optional<Error> error_;
};

}  // namespace

std::unexpected<Error> NamedText::fail_at(std::size_t offset, const std::string& what, const std::string& hint) const {
  const std::string_view before = text_.substr(0, std::min(offset, text_.size()));
  const auto line = std::ranges::count(before, '\n') + 1;
  const std::size_t column = before.size() - (before.rfind('\n') + 1) + 1;
  return fail(name_ + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " + what, 0, hint);
}

Result<LocatedJson> parse_located_json(const NamedText& text) {
  Builder builder(text);
  const std::string_view all = text.text();
  const char* const first = all.data();
  const TellingIterator begin(first, builder.furthest());
  const TellingIterator end(first + all.size(), builder.furthest());
  const bool whole = nlohmann::json::sax_parse(begin, end, &builder);
  return std::move(builder).result(whole);
}

}  // namespace wg4::container::filter
