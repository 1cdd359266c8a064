#include "wg4netns/commands/container_options.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <expected>
#include <filesystem>
#include <iterator>
#include <span>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

#include "netns-helper/container/command_rules.h"
#include "netns-helper/container/operations/operation.h"
#include "netns-helper/container/words/words.h"

namespace wg4 {
namespace {

namespace fs = std::filesystem;
using container::Operation;

/// About one command, and not about what it is in.
constexpr std::array<std::string_view, 7> command_words{"setenv", "unsetenv", "clearenv",   "chdir",
                                                        "argv0",  "fd",       "new-session"};

struct Elsewhere {
  std::string_view word;
  std::string_view hint;
};

constexpr std::string_view standalone = "wg4netns-container has it, for containers without a tunnel";

/// A tunnel's container has its own way for these.
constexpr std::array<Elsewhere, 12> other_words{{
    {"share-net", "The network is the tunnel's"},
    {"unshare-net", "The network is the tunnel's"},
    {"uid", "Who the command is: --root, or --map-auto"},
    {"gid", "Who the command is: --root, or --map-auto"},
    {"info-fd", "wireguard4netns ps has it"},
    {"json-status-fd", standalone},
    {"block-fd", "The command starts when the tunnel is there: --wait"},
    {"sync-fd", standalone},
    {"as-pid-1", standalone},
    {"forward-cancel", standalone},
    {"wait-delay", standalone},
    {"adopt-wait", standalone},
}};

/// "ro-bind" of "--ro-bind" and "--perms=0700"; empty for what is no option of that form.
std::string_view word_of(std::string_view text) {
  if (!text.starts_with("--")) return {};
  text.remove_prefix(2);
  return text.substr(0, text.find('='));
}

bool is_command_word(std::string_view word) { return std::ranges::find(command_words, word) != command_words.end(); }

/// Calls `each` with every word and its arguments.
template <class Each>
void for_each_word(const std::vector<std::string>& words, Each each) {
  for (std::size_t i = 0; i < words.size();) {
    const std::string_view word = word_of(words[i]);
    const bool joined = words[i].find('=') != std::string::npos;
    const std::size_t count = joined ? 0 : container::Words::arguments_of(word).value_or(0);
    const std::size_t taken = std::min(count, words.size() - i - 1);
    each(word, std::span(words).subspan(i, taken + 1));
    i += taken + 1;
  }
}

Result<void> check_words(const std::vector<std::string>& words) {
  Result<void> result;
  for_each_word(words, [&](std::string_view word, std::span<const std::string> /*line*/) {
    const auto other = std::ranges::find(other_words, word, &Elsewhere::word);
    if (other != other_words.end() && result)
      result = fail("--" + std::string(word) + " is not for commands in a tunnel", 0, std::string(other->hint));
  });
  return result;
}

std::string home() {
  const char* value = std::getenv("HOME");
  return value != nullptr && *value == '/' ? value : "";
}

bool is_folder(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

/// The system as it is in the tunnel without a container, but read-only; what programs write to is theirs alone, and
/// the homes of all users look empty.
std::vector<Operation> usual_operations() {
  constexpr mode_t for_everybody = 01777;
  std::vector<Operation> operations{
      container::Root{},
      container::Bind{.source = "/etc", .target = "/etc"},
      container::Bind{.source = "/run", .target = "/run", .writable = true},
      container::Proc{},
      container::Sysfs{},
      container::Dev{.mqueue = true},
      container::Tmpfs{.target = "/tmp", .mode = for_everybody},
  };
  if (is_folder("/var/tmp")) operations.emplace_back(container::Tmpfs{.target = "/var/tmp", .mode = for_everybody});
  for (const char* homes : {"/home", "/root"})
    if (is_folder(homes)) operations.emplace_back(container::Tmpfs{.target = homes});
  if (const std::string own = home(); is_folder(own) && own != "/" && own != "/root")
    operations.emplace_back(container::Tmpfs{.target = own, .mode = 0700});
  return operations;
}

/// Nothing of its own session is shared with the command's, so that it can never type into the terminal.
Result<keeper::ContainerPlan> plan_of(container::Container made, bool usual) {
  std::vector<Operation> operations = usual ? usual_operations() : std::vector<Operation>();
  std::ranges::move(made.operations, std::back_inserter(operations));
  if (usual) operations.emplace_back(container::Remount{.target = "/"});  // what the words have made in it is there now
  made.retain_session = false;
  return keeper::ContainerPlan{.root = {.operations = std::move(operations), .parent_mode = made.parent_mode},
                               .hostname = made.hostname,
                               .rules = TRY(container::rules_of(made)),
                               .directory = home()};
}

Result<container::Contained> read_words(const ContainerOptions& options, const std::vector<std::string>& command) {
  TRY(check_words(options.words));
  container::Words words;
  const std::array<std::string, 0> none{};
  TRY(words.take("unshare-net", none));  // the tunnel's network is another one than this process'
  std::ignore = TRY(words.take_line(options.words));
  return std::move(words).finish(command);
}

CommandShape shape_of(container::Container& made, const ContainerOptions& options) {
  const auto asked = [&](std::string_view word) {
    return std::ranges::any_of(options.words, [&](const std::string& text) { return word_of(text) == word; });
  };
  CommandShape shape{.program = made.path.empty() ? made.arguments.front() : made.path,
                     .arguments = made.arguments,
                     .environment = std::move(made.environment)};
  if (asked("chdir")) shape.directory = made.directory;
  shape.files = made.extra_files;
  shape.only_these_files = options.has_container() || asked("fd");
  shape.new_session = asked("new-session");
  return shape;
}

}  // namespace

bool ContainerOptions::has_container() const { return usual || !agreed_words().empty(); }

std::vector<std::string> ContainerOptions::agreed_words() const {
  std::vector<std::string> agreed;
  if (usual) agreed.emplace_back("--container");
  for_each_word(words, [&](std::string_view word, std::span<const std::string> line) {
    if (is_command_word(word)) return;
    std::string text = line.front();
    for (std::size_t i = 1; i < line.size(); ++i) text.append(i == 1 ? "=" : " ").append(line[i]);
    agreed.push_back(std::move(text));
  });
  return agreed;
}

std::vector<const char*> take_container_words(const Arguments& line, ContainerOptions& options) {
  std::vector<const char*> rest;
  for (std::size_t i = 0; i < line.words.size(); ++i) {
    const std::string_view text = line.words[i];
    const auto count = container::Words::arguments_of(word_of(text));
    if (!count) {
      rest.push_back(line.words[i]);
      continue;
    }
    options.words.emplace_back(text);
    for (std::size_t left = text.find('=') == std::string_view::npos ? *count : 0; left > 0; --left)
      if (i + 1 < line.words.size()) options.words.emplace_back(line.words[++i]);
  }
  return rest;
}

Result<ContainedCommand> contain(const ContainerOptions& options, const std::vector<std::string>& command) {
  container::Contained made = TRY(read_words(options, command));
  ContainedCommand result{.command = shape_of(made.container, options)};
  if (options.has_container()) result.plan = TRY(plan_of(std::move(made.container), options.usual));
  return result;
}

Result<CommandShape> shape_of_joining(const ContainerOptions& options, const std::vector<std::string>& command) {
  if (const auto agreed = options.agreed_words(); !agreed.empty())
    return fail(agreed.front().substr(0, agreed.front().find('=')) + " is for the start of a tunnel, and it runs", 0,
                "Give it to run or up; a command that joins has --setenv, --unsetenv, --clearenv, --chdir, --argv0, "
                "--fd and --new-session");
  container::Contained made = TRY(read_words(options, command));
  return shape_of(made.container, options);
}

}  // namespace wg4
