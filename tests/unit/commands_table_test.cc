// Which command a line means: by its first word, by the name of the program, or by neither.

#include <doctest/doctest.h>
#include <sys/prctl.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/result.h"
#include "tests/support/in_child.h"
#include "tests/unit/commands_support.h"
#include "wg4netns/commands/attach_command.h"
#include "wg4netns/commands/cli.h"
#include "wg4netns/commands/cli_group.h"
#include "wg4netns/commands/completion.h"
#include "wg4netns/commands/completion_command.h"
#include "wg4netns/commands/parser.h"

namespace wg4 {
namespace {

// A program of our own: what it did is told by its error.

struct Fruit {
  bool ripe = false;
  std::string_view called;
};

Parsed<Fruit> parse_fruit(const Arguments& arguments) {
  Fruit fruit{.called = arguments.command};
  Parser parser("Eats fruit.", arguments);
  parser.flag("--ripe", fruit.ripe, "Only those");
  if (auto text = TRY(parser.parse())) return *std::move(text);
  return fruit;
}

Result<void> eat(const Fruit& fruit) { return fail(std::string(fruit.called) + (fruit.ripe ? " ripe" : " green")); }

Result<int> hold(const Fruit& fruit) { return fruit.ripe ? 7 : 0; }

bool is_one_number(std::span<const char* const> words) {
  return words.size() == 1 && std::string_view(words[0]).find_first_not_of("0123456789") == std::string_view::npos;
}

constexpr auto rows = std::to_array<CommandEntry>({
    {.prepare = prepare<parse_fruit, eat>, .takes = is_one_number},
    {.prepare = prepare<parse_fruit, eat>},
    {"apple", "eat an apple", prepare<parse_fruit, eat>},
    {.name = "pear", .about = "eat a pear", .prepare = prepare<parse_fruit, eat>, .also_called = "poire"},
    {.name = "shell", .about = "be a shell", .prepare = prepare<parse_fruit, eat>, .becomes_another_program = true},
    {.name = "worm", .prepare = prepare<parse_fruit, eat>, .hidden = true},
    {.name = "basket",
     .about = "hold fruit",
     .prepare = prepare<parse_fruit, hold>,
     .runs_another_program = true,
     .failure = 125},
});
const CommandTable table(rows);

std::vector<std::string> texts_of(std::span<const char* const> words) { return {words.begin(), words.end()}; }

struct Found {
  std::size_t row = rows.size();
  std::vector<std::string> words;
  std::string error;
  bool operator==(const Found&) const = default;
};

Found find(const std::vector<const char*>& argv) {
  const auto found = find_command(table, argv);
  if (!found) return {.row = rows.size(), .words = {}, .error = found.error().message()};
  const auto& [entry, arguments] = *found;
  CHECK(arguments.command == entry->name);
  CHECK(arguments.table.data() == table.data());
  CHECK(arguments.description == nullptr);
  return {static_cast<std::size_t>(entry - rows.data()), texts_of(arguments.words), {}};
}

std::string error_of(const std::vector<const char*>& argv) {
  const Outcome outcome = run_command_line(table, argv);
  return outcome.status ? "" : outcome.status.error().message();
}

const std::string has_empty_word =
    "an argument is empty where a name, a path or a value belongs. See wireguard4netns --help";

TEST_CASE("a command is named by its first word") {
  CHECK(find({"p", "apple"}) == Found{2, {}, {}});
  CHECK(find({"p", "apple", "--ripe", "pear"}) == Found{2, {"--ripe", "pear"}, {}});
  CHECK(find({"p", "pear", "x"}) == Found{3, {"x"}, {}});
  CHECK(find({"p", "worm"}) == Found{5, {}, {}});
}

TEST_CASE("words that name no command go to the first row that takes them") {
  CHECK(find({"p", "12"}) == Found{0, {"12"}, {}});
  CHECK(find({"p", "12", "apple"}) == Found{1, {"12", "apple"}, {}});
  CHECK(find({"p", "--ripe", "apple"}) == Found{1, {"--ripe", "apple"}, {}});
  CHECK(find({"p", "Apple"}) == Found{1, {"Apple"}, {}});
  CHECK(find({"p"}) == Found{1, {}, {}});
  CHECK(find({}) == Found{1, {}, {}});
}

TEST_CASE("the name of the program comes before the first word") {
  CHECK(find({"poire", "x"}) == Found{3, {"x"}, {}});
  CHECK(find({"/usr/bin/poire", "apple"}) == Found{3, {"apple"}, {}});
  CHECK(find({"./poire"}) == Found{3, {}, {}});
  CHECK(find({"/poire/p", "apple"}) == Found{2, {}, {}});
  CHECK(find({"poires", "apple"}) == Found{2, {}, {}});
  CHECK(find({"apple", "12"}) == Found{0, {"12"}, {}});
  const std::vector<const char*> argv = {"/a/b/c", "apple"};
  CHECK(find_command(table, argv)->arguments.program == "c");
}

TEST_CASE("an empty word is an error, but for another program's") {
  CHECK(error_of({"p", ""}) == has_empty_word);
  CHECK(error_of({"p", "", "12"}) == has_empty_word);
  CHECK(error_of({"p", "apple", ""}) == has_empty_word);
  CHECK(error_of({"poire", ""}) == has_empty_word);
  CHECK(error_of({"p", "worm", "x", ""}) == has_empty_word);
  CHECK(find({"p", "shell", "", "x"}) == Found{4, {"", "x"}, {}});
}

TEST_CASE("behind -- the words are another program's, if the command runs one") {
  CHECK(error_of({"p", "basket", "--", ""}) != has_empty_word);
  CHECK(error_of({"p", "basket", "", "--", "x"}) == has_empty_word);
  CHECK(error_of({"p", "apple", "--", ""}) == has_empty_word);
}

TEST_CASE("a command gives its exit status, and says what that of an error is") {
  const auto outcome_of = [](const std::vector<const char*>& argv) { return run_command_line(table, argv); };
  CHECK(*outcome_of({"p", "basket"}).status == 0);
  CHECK(*outcome_of({"p", "basket", "--ripe"}).status == 7);
  CHECK(outcome_of({"p", "basket", "--raw"}).failure == 125);
  CHECK(outcome_of({"p", "apple"}).failure == EXIT_FAILURE);
  CHECK_FALSE(outcome_of({"p", "apple"}).status);
}

TEST_CASE("a table without a row for such words says so") {
  const std::vector<const char*> argv = {"p", "x"};
  const auto found = find_command(table.subspan(2), argv);
  REQUIRE_FALSE(found);
  CHECK(found.error().message() == "there is nothing to do. See wireguard4netns --help");
}

TEST_CASE("the command runs with its words") {
  const auto told = [](const std::vector<const char*>& argv) {
    const Outcome outcome = run_command_line(table, argv);
    return outcome.status ? std::string() : outcome.status.error().message();
  };
  CHECK(told({"p", "shell", "--ripe"}) == "shell ripe");
  CHECK(told({"p", "shell"}) == "shell green");
  CHECK(told({"p", "shell", "--raw"}) == "unrecognized option '--raw'. See wireguard4netns shell --help");
  CHECK(told({"p", "shell", "raw"}) == "unexpected argument 'raw'. See wireguard4netns shell --help");
}

TEST_CASE("nobody may look into a command, unless it becomes another program") {
  const auto may_be_looked_into = [](const char* command) {
    const int status = in_child([&] {
      prctl(PR_SET_DUMPABLE, 1);
      const std::vector<const char*> argv = {"p", command};
      static_cast<void>(run_command_line(table, argv));
      return prctl(PR_GET_DUMPABLE);
    });
    return exit_status(status) == 1;
  };
  CHECK_FALSE(may_be_looked_into("apple"));
  CHECK_FALSE(may_be_looked_into("worm"));
  CHECK(may_be_looked_into("shell"));
}

// A command of commands.
constexpr auto basket = std::to_array<CommandEntry>({
    {"basket fill", "put fruit in", prepare<parse_fruit, eat>},
    {"basket empty", "take it out", prepare<parse_fruit, eat>},
});
Result<Task> prepare_basket(const Arguments& arguments) { return prepare_group("Has fruit.", basket, arguments); }
constexpr auto with_basket = std::to_array<CommandEntry>({
    {"apple", "eat an apple", prepare<parse_fruit, eat>},
    {"basket", "have fruit", prepare_basket},
});

TEST_CASE("a group's second word names the command") {
  const auto told = [](const std::vector<const char*>& argv) {
    const auto result = run_command_line(with_basket, argv).status;
    return result ? std::string() : result.error().message();
  };
  CHECK(told({"p", "basket", "fill", "--ripe"}) == "basket fill ripe");
  CHECK(told({"p", "basket", "empty"}) == "basket empty green");
  CHECK(told({"p", "basket", "empty", "x"}) == "unexpected argument 'x'. See wireguard4netns basket empty --help");
  CHECK(told({"p", "basket"}) == "'basket' is a group of commands. Name one of fill, empty");
  CHECK(told({"p", "basket", "fil"}) == "there is no command 'basket fil'. Did you mean fill?");
  CHECK(told({"p", "basket", "throw"}) == "there is no command 'basket throw'. There are fill, empty");
  CHECK(told({"p", "basket", "--ripe"}) == "unrecognized option '--ripe'. See wireguard4netns basket --help");
}

TEST_CASE("completion has the commands of a group beside it") {
  const auto all = describe(with_basket);
  REQUIRE(all);
  std::vector<std::string> names;
  for (const CommandDescription& command : *all) names.push_back(command.name);
  CHECK(names == std::vector<std::string>{"apple", "basket", "basket fill", "basket empty"});
  CHECK((*all)[1].first_choices == std::vector<std::string>{"fill", "empty"});
  CHECK((*all)[2].about == "put fruit in");
  CHECK((*all)[2].options.size() == 3);
}

TEST_CASE("what is hidden is in no list") {
  CHECK(names_of(table) == std::vector<std::string_view>{"apple", "pear", "shell", "basket"});
  const std::string help = introduction(table);
  CHECK(help.contains("\n  apple      eat an apple\n  pear       eat a pear\n  shell      be a shell\n"));
  CHECK_FALSE(help.contains("worm"));
}

TEST_CASE("completion knows what each command takes, the program without one first") {
  const auto all = describe(table);
  REQUIRE(all);
  std::vector<std::string> names;
  for (const CommandDescription& command : *all) {
    names.push_back(command.name);
    REQUIRE(command.options.size() == 3);
    CHECK(command.options[2].names == std::vector<std::string>{"--ripe"});
    CHECK(command.options[2].about == "Only those");
  }
  CHECK(names == std::vector<std::string>{"", "apple", "pear", "shell", "basket"});
  CHECK((*all)[1].about == "eat an apple");
}

}  // namespace
}  // namespace wg4
