#pragma once
// One command's options and arguments, and the variables that they fill. CLI11 reads them; it stays in parser.cc and
// cli_help.cc, since every file that includes it takes seconds to compile.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/result.h"
#include "shared/sys/log.h"
#include "wg4netns/commands/cli.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace wg4 {

class Parser;

/// Describes an option or an argument of a Parser further. Other options are named with their dashes.
class Option {
 public:
  Option required();
  Option within(int least, int most);
  Option within(double least, double most);
  Option within_or(int least, int most, const std::string& word);
  /// Takes these values and no others. Completion offers them.
  Option one_of(const std::vector<std::string>& values);
  /// Takes this value and no other. Engines give it, people do not: neither help nor completion shows it.
  Option only(const std::string& value);
  /// Fails with the sentence that `check` returns for a value, unless that is empty.
  Option checked(std::function<std::string(const std::string&)> check);
  Option excludes(const std::string& other);
  Option needs(const std::string& other);
  Option or_environment(const std::string& variable);
  /// May be given without a value: it then has this one.
  Option or_alone(const std::string& value);
  /// Likewise, but a value is joined to the name by "=", so that the next word is not taken for it.
  Option or_alone_joined(const std::string& value);
  /// May be given again and again, with one value each time.
  Option repeated();
  /// Says of an argument that it is, or may be, the name of a file.
  Option is_file();
  /// Of the first argument: it is the name of a profile.
  Option is_profile();
  /// Likewise of a tunnel that runs, or of one that commands run in.
  Option is_tunnel();
  Option is_named_tunnel();

 private:
  friend class Parser;
  Option(Parser& parser, CLI::Option* option) : parser_(parser), option_(option) {}

  Parser& parser_;
  CLI::Option* option_;
};

class Parser {
 public:
  Parser(const std::string& about, const Arguments& arguments);
  ~Parser();
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  /// The heading in --help of all options added from here on; above a list of names it is cut at its first comma.
  void begin_group(const std::string& heading);
  /// From here on an option may be given twice, and has the last value then, as with getopt(3).
  void last_wins();

  /// `names`: "-m,--mtu". Value: bool for a flag; for an option also optional, and a vector of strings.
  Option flag(const std::string& names, bool& target, const std::string& about);
  template <class Value>
  Option option(const std::string& names, const std::string& value_name, Value& target, const std::string& about);
  /// `told` is called with the value, once that has passed its checks.
  Option option(const std::string& names, const std::string& value_name,
                const std::function<void(const std::string&)>& told, const std::string& about);
  /// Values with commas in between.
  Option list(const std::string& names, const std::string& value_name,
              const std::function<void(const std::vector<std::string>&)>& told, const std::string& about);
  /// Takes one of the names in `values`, each of which stands for a value.
  template <class Value>
  Option choice(const std::string& names, const std::string& value_name, Value& target,
                const std::map<std::string, Value>& values, const std::string& about) {
    return option(
               names, value_name, [&target, values](const std::string& name) { target = values.at(name); }, about)
        .one_of(names_of_values(values));
  }

  /// A word without dashes. Arguments stand in the order in which they are added.
  template <class Value>
  Option argument(const std::string& name, Value& target, const std::string& about) {
    return option(name, "", target, about);
  }

  /// What follows "unexpected argument 'WORD'", instead of "See COMMAND --help".
  void hint_for_more(std::string hint) { hint_for_more_ = std::move(hint); }
  /// --help-all, for a command with more options than --help can explain on a screen.
  void add_help_all();
  void add_log_level(log::Level usual = log::Level::info);

  /// Fills the variables, and sets the log level. Returns a text to print instead if --help or --version asks for it,
  /// or if the command was only to be described.
  Result<std::optional<Text>> parse();

 private:
  friend class Option;

  template <class Value>
  static std::vector<std::string> names_of_values(const std::map<std::string, Value>& values) {
    std::vector<std::string> names;
    names.reserve(values.size());
    for (const auto& entry : values) names.push_back(entry.first);
    return names;
  }
  void describe(CommandDescription& command) const;

  Arguments arguments_;
  std::unique_ptr<CLI::App> app_;
  log::Level level_ = log::Level::info;
  std::map<const CLI::Option*, std::vector<std::string>> choices_;
  std::map<std::string, std::string> alone_;  // the words "--name" that mean "--name=value"
  std::string hint_for_more_;
  bool takes_files_ = false;
  bool takes_profiles_ = false;
  bool takes_tunnels_ = false;
  bool takes_named_tunnels_ = false;
};

/// The level of that name, as --log-level takes it.
[[nodiscard]] std::optional<log::Level> log_level_named(std::string_view name);

}  // namespace wg4
