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
constexpr std::array<Elsewhere, 13> other_words{{
    {"share-net", "The network is the tunnel's"},
    {"unshare-net", "The network is the tunnel's"},
    {"uid", "Who the command is: --root, or --map-auto"},
    {"gid", "Who the command is: --root, or --map-auto"},
    {"info-fd", "wireguard4netns ps has it"},
    {"json-status-fd", standalone},
    {"block-fd", "The command starts when the tunnel is there: --wait"},
    {"sync-fd", standalone},
    {"cgroup", standalone},
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

bool is_of_command(const container::TakenWord& taken) {
  return std::ranges::find(command_words, taken.word) != command_words.end();
}

Result<void> check_words(const std::vector<container::TakenWord>& words) {
  for (const auto& taken : words)
    if (const auto other = std::ranges::find(other_words, taken.word, &Elsewhere::word); other != other_words.end())
      return fail("--" + taken.word + " is not for commands in a tunnel", 0, std::string(other->hint));
  return {};
}

std::string to_text(const container::TakenWord& taken) {
  std::string text = "--" + taken.word;
  for (std::size_t i = 0; i < taken.arguments.size(); ++i) text.append(i == 0 ? "=" : " ").append(taken.arguments[i]);
  return text;
}

std::vector<std::string> agreed_words(const container::Contained& made, bool usual) {
  std::vector<std::string> agreed;
  if (usual) agreed.emplace_back("--container");
  for (const auto& taken : made.taken)
    if (!is_of_command(taken)) agreed.push_back(to_text(taken));
  return agreed;
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
  container::Words words(container::Words::Network::another);  // the tunnel's
  std::ignore = TRY(words.take_line(options.words));
  container::Contained made = TRY(std::move(words).finish(command));
  TRY(check_words(made.taken));
  return made;
}

CommandShape shape_of(const container::Container& made, bool contained) {
  CommandShape shape{.program = made.path.empty() ? made.arguments.front() : made.path,
                     .arguments = made.arguments,
                     .environment = made.environment,
                     .files = made.extra_files,
                     .only_these_files = contained || !made.extra_files.empty(),
                     .new_session = !made.retain_session};
  if (made.else_directories.empty()) shape.directory = made.directory;
  return shape;
}

Result<ContainedCommand> contained_by(container::Contained made, bool usual) {
  ContainedCommand result{.command = {}, .agreed = agreed_words(made, usual)};
  const bool contained = !result.agreed.empty();
  result.command = shape_of(made.container, contained);
  if (contained) result.plan = TRY(plan_of(std::move(made.container), usual));
  return result;
}

}  // namespace

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
  return contained_by(TRY(read_words(options, command)), options.usual);
}

Result<ContainedCommand> contain_nothing(const ContainerOptions& options) {
  container::Contained made = TRY(read_words(options, {"true"}));
  if (const auto found = std::ranges::find_if(made.taken, is_of_command); found != made.taken.end())
    return fail("--" + found->word + " is for one command, and here is none", 0, "Give it to exec");
  return contained_by(std::move(made), options.usual);
}

Result<CommandShape> shape_of_joining(const ContainerOptions& options, const std::vector<std::string>& command) {
  const container::Contained made = TRY(read_words(options, command));
  if (const auto found = std::ranges::find_if_not(made.taken, is_of_command); found != made.taken.end())
    return fail("--" + found->word + " is for the start of a tunnel, and it runs", 0,
                "Give it to run or up; a command that joins has --setenv, --unsetenv, --clearenv, --chdir, --argv0, "
                "--fd and --new-session");
  return shape_of(made.container, false);
}

}  // namespace wg4
