#pragma once
// Command lines as they are typed, and what a command makes of them.

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "wg4netns/commands/cli.h"
#include "wg4netns/commands/completion.h"

namespace wg4 {

/// A line cut at each space, as argv.
class Line {
 public:
  explicit Line(std::string_view line) {
    while (!line.empty()) {
      const std::string_view word = line.substr(0, line.find(' '));
      words_.emplace_back(word);
      line.remove_prefix(std::min(line.size(), word.size() + 1));
    }
    pointers_.reserve(words_.size());
    for (const std::string& word : words_) pointers_.push_back(word.c_str());
  }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  [[nodiscard]] std::span<const char* const> words() const { return pointers_; }
  [[nodiscard]] const std::vector<std::string>& texts() const { return words_; }

 private:
  std::vector<std::string> words_;
  std::vector<const char*> pointers_;
};

/// A command under test.
template <class Command>
struct Subject {
  Parsed<Command> (*parse)(const Arguments&);
  std::string_view name = {};
  std::string_view program = {};
  CommandTable table = {};

  [[nodiscard]] Parsed<Command> operator()(std::string_view line) const {
    const Line words(line);
    return parse({.words = words.words(), .command = name, .program = program, .table = table});
  }
  [[nodiscard]] Command value(std::string_view line) const {
    CAPTURE(line);
    auto parsed = (*this)(line);
    if (!parsed) FAIL(parsed.error().message());
    REQUIRE(std::holds_alternative<Command>(*parsed));
    return std::get<Command>(std::move(*parsed));
  }
  /// Empty if there is none.
  [[nodiscard]] std::string error(std::string_view line) const {
    const auto parsed = (*this)(line);
    return parsed ? "" : parsed.error().message();
  }
  /// Empty if there is something to do instead.
  [[nodiscard]] std::string text(std::string_view line) const {
    CAPTURE(line);
    const auto parsed = (*this)(line);
    REQUIRE(parsed);
    return std::holds_alternative<Text>(*parsed) ? std::get<Text>(*parsed).text : "";
  }
  [[nodiscard]] CommandDescription description() const {
    CommandDescription description;
    REQUIRE(parse({.command = name, .table = table, .description = &description}));
    return description;
  }
};

/// Options on a line, and whether their value is in what the line came to.
template <class Command>
struct Seen {
  std::string options;
  std::function<bool(const Command&)> in;
};

/// Each of `cases` on top of `line` is seen, and is not without it. `accepted` changes nothing, and is no error.
/// Together they have each name of each option that there is, so that a new one is missed here.
template <class Command>
void check_options(const Subject<Command>& subject, const std::string& line, const std::vector<Seen<Command>>& cases,
                   const std::vector<std::string>& accepted = {}) {
  const auto with = [&](const std::string& options) { return line.empty() ? options : options + " " + line; };
  std::vector<std::string> used = {"-h", "--help", "-v", "--version", "--help-all"};
  const auto use = [&](const std::string& options) {
    const Line words(options);
    for (const std::string& word : words.texts()) used.push_back(word.substr(0, word.find('=')));
  };
  use(line);
  for (const auto& [options, in] : cases) {
    CAPTURE(options);
    use(options);
    CHECK_FALSE(in(subject.value(line)));
    CHECK(in(subject.value(with(options))));
  }
  for (const std::string& options : accepted) {
    use(options);
    static_cast<void>(subject.value(with(options)));
  }
  for (const OptionDescription& option : subject.description().options) {
    for (const std::string& name : option.names) {
      CAPTURE(name);
      CHECK(std::ranges::find(used, name) != used.end());
    }
  }
}

/// --help and --version, whatever else is there or missing.
template <class Command>
void check_texts(const Subject<Command>& subject) {
  const std::string usage = "Usage: wireguard4netns " + (subject.name.empty() ? "" : std::string(subject.name) + " ");
  for (const char* line : {"-h", "--help", "--help --nonsense"}) {
    CHECK(subject.text(line).contains(usage));
    CHECK_FALSE(subject.text(line).contains("unexpected"));
  }
  for (const char* line : {"-v", "--version"}) CHECK(subject.text(line).starts_with("wireguard4netns version "));
  const bool has_all = subject.text("--help").contains("--help-all");
  CHECK(has_all == subject.error("--help-all").empty());
  if (has_all) CHECK(subject.text("--help-all").size() > subject.text("--help").size());
}

/// A line that is refused, and a part of the sentence.
struct Refused {
  std::string line;
  std::string says;
};

template <class Command>
void check_refused(const Subject<Command>& subject, std::initializer_list<Refused> lines) {
  for (const auto& [line, says] : lines) {
    CAPTURE(line);
    const std::string error = subject.error(line);
    CAPTURE(error);
    CHECK(error.contains(says));
  }
}

}  // namespace wg4
