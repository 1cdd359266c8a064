#include "wg4netns/commands/parser.h"

#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "shared/base/version.h"
#include "wg4netns/commands/cli_help.h"
#include "wg4netns/commands/completion.h"

namespace wg4 {
namespace {

const std::map<std::string, log::Level>& log_levels() {
  static const std::map<std::string, log::Level> levels = {{"silent", log::Level::silent},
                                                           {"error", log::Level::error},
                                                           {"warning", log::Level::warning},
                                                           {"info", log::Level::info},
                                                           {"debug", log::Level::debug}};
  return levels;
}

std::string called(std::string_view command) {
  return command.empty() ? "wireguard4netns" : "wireguard4netns " + std::string(command);
}

/// Newer versions of CLI11 ignore a variable whose value is wrong. It may have been meant to confine the program.
void refuse_wrong_environment(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    const char* value = option->get_envname().empty() ? nullptr : std::getenv(option->get_envname().c_str());
    if (value == nullptr || *value == '\0' || option->count() > 0) continue;
    option->add_result(value);
    option->run_callback();
  }
}

/// "--name=", as an empty variable of a script makes it: CLI11 would take the next word for the value.
Result<void> expect_values(std::span<const char* const> words, const std::string& hint) {
  for (const std::string_view word : words) {
    if (word == "--") break;
    if (word.starts_with("--") && word.find('=') == word.size() - 1)
      return fail(std::string(word.substr(0, word.size() - 1)) + " has no value behind '='", 0, hint);
  }
  return {};
}

}  // namespace

std::optional<log::Level> log_level_named(std::string_view name) {
  const auto found = log_levels().find(std::string(name));
  return found == log_levels().end() ? std::nullopt : std::optional(found->second);
}

// --- what is said of one option: CLI11 would put a check's own description into --help -------------------------------

Option Option::required() {
  option_->required();
  return *this;
}

Option Option::within(int least, int most) {
  option_->check(CLI::Range(least, most).description(""));
  return *this;
}

Option Option::within(double least, double most) {
  option_->check(CLI::Range(least, most).description(""));
  return *this;
}

Option Option::within_or(int least, int most, const std::string& word) {
  option_->check((CLI::Range(least, most) | CLI::IsMember({word})).description(""));
  return *this;
}

Option Option::one_of(const std::vector<std::string>& values) {
  parser_.choices_[option_] = values;
  option_->check(CLI::IsMember(values).description(""));
  return *this;
}

Option Option::only(const std::string& value) {
  option_->check(CLI::IsMember({value}).description(""));
  return *this;
}

Option Option::checked(std::function<std::string(const std::string&)> check) {
  option_->check(CLI::Validator([check = std::move(check)](const std::string& value) { return check(value); }, ""));
  return *this;
}

Option Option::excludes(const std::string& other) {
  option_->excludes(other);
  return *this;
}

Option Option::needs(const std::string& other) {
  option_->needs(other);
  return *this;
}

Option Option::or_environment(const std::string& variable) {
  option_->envname(variable);
  return *this;
}

Option Option::or_alone(const std::string& value) {
  option_->expected(0, 1)->default_str(value);
  return *this;
}

Option Option::or_alone_joined(const std::string& value) {
  const std::string name = "--" + option_->get_lnames().front();
  parser_.alone_[name] = name + "=" + value;
  return *this;
}

Option Option::repeated() {
  option_->allow_extra_args(false)->take_all();
  return *this;
}

Option Option::is_file() {
  parser_.takes_files_ = true;
  return *this;
}

Option Option::is_profile() {
  parser_.takes_profiles_ = true;
  return *this;
}

Option Option::is_tunnel() {
  parser_.takes_tunnels_ = true;
  return *this;
}

Option Option::is_named_tunnel() {
  parser_.takes_named_tunnels_ = true;
  return *this;
}

// --- the parser ------------------------------------------------------------------------------------------------------

Parser::Parser(const std::string& about, const Arguments& arguments)
    : arguments_(arguments), app_(std::make_unique<CLI::App>(about, called(arguments.command))) {
  app_->set_help_flag("-h,--help", "Print this and exit");
  app_->set_version_flag("-v,--version", std::string(version), "Print the version and exit");
  lay_out_help(*app_);
}

Parser::~Parser() = default;

void Parser::begin_group(const std::string& heading) { app_->option_defaults()->group(heading); }

void Parser::last_wins() { app_->option_defaults()->take_last(); }

Option Parser::flag(const std::string& names, bool& target, const std::string& about) {
  return {*this, app_->add_flag(names, target, about)};
}

template <class Value>
Option Parser::option(const std::string& names, const std::string& value_name, Value& target,
                      const std::string& about) {
  return {*this, app_->add_option(names, target, about)->type_name(value_name)};
}

Option Parser::option(const std::string& names, const std::string& value_name,
                      const std::function<void(const std::string&)>& told, const std::string& about) {
  return {*this, app_->add_option_function<std::string>(names, told, about)->type_name(value_name)};
}

Option Parser::list(const std::string& names, const std::string& value_name,
                    const std::function<void(const std::vector<std::string>&)>& told, const std::string& about) {
  CLI::Option* option = app_->add_option_function<std::vector<std::string>>(names, told, about);
  // One word: CLI11 would take those behind it, too, such as the PID.
  return {*this, option->type_name(value_name)->delimiter(',')->allow_extra_args(false)->take_all()};
}

void Parser::add_help_all() {
  app_->set_help_all_flag("--help-all", "Print what each option is for, and exit")->group("Options");
}

void Parser::add_log_level(log::Level usual) {
  level_ = usual;
  choice("--log-level", "LEVEL", level_, log_levels(), "silent, error, warning, info or debug")
      .option_->group("Options");
}

Result<std::optional<Text>> Parser::parse() {
  if (arguments_.description != nullptr) {
    describe(*arguments_.description);
    return Text{};
  }
  std::vector<std::string> reversed(arguments_.words.rbegin(), arguments_.words.rend());
  for (std::string& word : reversed)
    if (const auto alone = alone_.find(word); alone != alone_.end()) word = alone->second;
  const std::string hint = "See " + app_->get_name() + " --help";
  TRY(expect_values(arguments_.words, hint));
  try {
    app_->parse(reversed);
    refuse_wrong_environment(*app_);
  } catch (const CLI::CallForHelp&) {
    return Text{app_->help()};
  } catch (const CLI::CallForAllHelp&) {
    return Text{app_->help("", CLI::AppFormatMode::All)};
  } catch (const CLI::CallForVersion&) {
    return Text{"wireguard4netns version " + std::string(version) + "\n"};
  } catch (const CLI::ExtrasError&) {
    const std::string first = app_->remaining().front();
    // These are getopt(3)'s words: Podman does without an option that is refused in them.
    if (first.front() == '-') return fail("unrecognized option '" + first + "'", 0, hint);
    return fail("unexpected argument '" + first + "'", 0, hint_for_more_.empty() ? hint : hint_for_more_);
  } catch (const CLI::ParseError& error) {
    return fail(error.what(), 0, hint);
  }
  log::set_level(level_);
  return std::nullopt;
}

void Parser::describe(CommandDescription& command) const {
  const auto choices_of = [&](const CLI::Option* option) {
    const auto found = choices_.find(option);
    return found == choices_.end() ? std::vector<std::string>{} : found->second;
  };
  command.takes_files = takes_files_;
  command.takes_profiles = takes_profiles_;
  command.takes_tunnels = takes_tunnels_;
  command.takes_named_tunnels = takes_named_tunnels_;
  bool first = true;
  for (const CLI::Option* option : app_->get_options()) {
    if (option->get_positional()) {
      if (std::exchange(first, false)) command.first_choices = choices_of(option);
      continue;
    }
    OptionDescription description{.names = {}, .value = {}, .choices = choices_of(option), .about = {}};
    for (const std::string& name : option->get_snames()) description.names.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) description.names.push_back("--" + name);
    if (option->get_items_expected_max() > 0) description.value = option->get_type_name();
    description.about = option->get_description();
    command.options.push_back(std::move(description));
  }
}

// The types of variables that options are read into.
template Option Parser::option(const std::string&, const std::string&, int&, const std::string&);
template Option Parser::option(const std::string&, const std::string&, unsigned&, const std::string&);
template Option Parser::option(const std::string&, const std::string&, std::optional<int>&, const std::string&);
template Option Parser::option(const std::string&, const std::string&, std::optional<unsigned>&, const std::string&);
template Option Parser::option(const std::string&, const std::string&, std::optional<std::uint16_t>&,
                               const std::string&);
template Option Parser::option(const std::string&, const std::string&, std::optional<double>&, const std::string&);
template Option Parser::option(const std::string&, const std::string&, std::string&, const std::string&);
template Option Parser::option(const std::string&, const std::string&, std::optional<std::string>&, const std::string&);
template Option Parser::option(const std::string&, const std::string&, std::vector<std::string>&, const std::string&);

}  // namespace wg4
