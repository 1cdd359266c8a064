#include "wg4netns/commands/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

namespace wg4 {
namespace {

bool takes_path(const OptionDescription& option) { return option.value == "FILE" || option.value == "PATH"; }
bool takes_profile(const OptionDescription& option) { return option.names.back() == "--profile"; }
bool is_long(std::string_view name) { return name.starts_with("--"); }

/// `text` with a backslash before each of `special`.
std::string escaped(std::string_view text, std::string_view special) {
  std::string result;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) result += '\\';
    result += c;
  }
  return result;
}

bool is_of_a_group(const CommandDescription& command) { return command.name.contains(' '); }

bool is_group(const CommandDescription& command, const std::vector<CommandDescription>& commands) {
  return std::ranges::any_of(commands,
                             [&](const CommandDescription& each) { return each.name.starts_with(command.name + " "); });
}

std::string last_word(const CommandDescription& command) { return command.name.substr(command.name.rfind(' ') + 1); }

std::vector<std::string> names_of(const std::vector<CommandDescription>& commands) {
  std::vector<std::string> names;
  for (const CommandDescription& command : commands)
    if (!command.name.empty() && !is_of_a_group(command)) names.push_back(command.name);
  return names;
}

/// The names of two words, quoted as a pattern of bash and zsh; never none, since such a pattern would be wrong.
std::string patterns_of_groups(const std::vector<CommandDescription>& commands, std::string_view separator) {
  std::vector<std::string> names;
  for (const CommandDescription& command : commands)
    if (is_of_a_group(command)) names.push_back("'" + command.name + "'");
  return names.empty() ? "' '" : fmt::format("{}", fmt::join(names, separator));
}

/// Calls of the functions of a shell that list what the first argument may be; each shell's names have another
/// `prefix`.
std::vector<std::string> name_lists(const CommandDescription& command, const std::string& prefix) {
  std::vector<std::string> calls;
  if (command.takes_profiles) calls.push_back(prefix + "wireguard4netns_profiles");
  if (command.takes_tunnels) calls.push_back(prefix + "wireguard4netns_running wireguard .sock");
  if (command.takes_named_tunnels) calls.push_back(prefix + "wireguard4netns_running wireguard4netns/ns ''");
  return calls;
}

// --- bash ------------------------------------------------------------------------------------------------------------

/// A case of the script: the words after which a value is expected, and what fills COMPREPLY there.
std::string bash_value(const OptionDescription& option) {
  std::string action = ":";
  if (takes_path(option)) {
    action = R"~(COMPREPLY=($(compgen -f -- "$word")))~";
  } else if (takes_profile(option)) {
    action = R"~(COMPREPLY=($(compgen -W "$(_wireguard4netns_profiles)" -- "$word")))~";
  } else if (!option.choices.empty()) {
    action = fmt::format(R"~(COMPREPLY=($(compgen -W '{}' -- "$word")))~", fmt::join(option.choices, " "));
  }
  return fmt::format("    {}) {}; return ;;\n", fmt::join(option.names, " | "), action);
}

std::string bash_command(const CommandDescription& command, const std::vector<std::string>& names) {
  std::string values;
  std::vector<std::string> words = command.name.empty() ? names : command.first_choices;
  for (const OptionDescription& option : command.options) {
    if (!option.value.empty()) values += bash_value(option);
    words.insert(words.end(), option.names.begin(), option.names.end());
  }
  for (const std::string& call : name_lists(command, "_")) words.push_back("$(" + call + ")");
  return fmt::format(
      "  '{}')\n"
      "    case $before in\n"
      "{}"
      "    esac\n"
      "    COMPREPLY=($(compgen {}-W \"{}\" -- \"$word\"))\n"
      "    ;;\n",
      command.name, values, command.takes_files ? "-f " : "", fmt::join(words, " "));
}

std::string bash_script(const std::vector<CommandDescription>& commands) {
  const auto names = names_of(commands);
  std::string cases;
  for (const CommandDescription& command : commands) cases += bash_command(command, names);
  return fmt::format(R"(_wireguard4netns_profiles() {{
  local file
  for file in "${{XDG_CONFIG_HOME:-$HOME/.config}}"/wireguard4netns/profiles/*.conf; do
    file=${{file##*/}}
    [[ $file == '*.conf' ]] || printf '%s\n' "${{file%.conf}}"
  done
}}

_wireguard4netns_running() {{
  local path
  for path in /run/$1/*$2 "${{XDG_RUNTIME_DIR:-/run}}"/$1/*$2; do
    path=${{path##*/}}
    [[ $path == "*$2" ]] || printf '%s\n' "${{path%"$2"}}"
  done
}}

_wireguard4netns() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} command=
  # bash takes --option=value for three words.
  if [[ $word == = ]]; then
    word=
  elif [[ $before == = ]]; then
    before=${{COMP_WORDS[COMP_CWORD - 2]}}
  fi
  case ${{COMP_WORDS[1]}} in
  {}) ((COMP_CWORD == 1)) || command=${{COMP_WORDS[1]}} ;;
  esac
  case "$command ${{COMP_WORDS[2]-}}" in
  {}) ((COMP_CWORD == 2)) || command+=" ${{COMP_WORDS[2]}}" ;;
  esac
  case $command in
{}  esac
}}

complete -o filenames -F _wireguard4netns wireguard4netns
)",
                     fmt::join(names, " | "), patterns_of_groups(commands, " | "), cases);
}

// --- fish ------------------------------------------------------------------------------------------------------------

std::string fish_quoted(std::string_view text) { return "'" + escaped(text, "'\\") + "'"; }

std::string fish_option(const OptionDescription& option, const std::string& where) {
  std::string line = "complete -c wireguard4netns -n " + where;
  for (const std::string& name : option.names)
    line += is_long(name) ? " -l " + name.substr(2) : " -s " + name.substr(1);
  if (takes_path(option)) {
    line += " -r -F";
  } else if (takes_profile(option)) {
    line += " -x -a '(__wireguard4netns_profiles)'";
  } else if (!option.value.empty()) {
    line += " -x";
    if (!option.choices.empty()) line += fmt::format(" -a '{}'", fmt::join(option.choices, " "));
  }
  return line + " -d " + fish_quoted(option.about) + "\n";
}

/// What is offered behind a command's name. The commands of a group have lines of their own.
std::string fish_command(const CommandDescription& command, const std::string& where, bool is_group) {
  std::string text;
  if (command.takes_files) text += "complete -c wireguard4netns -n " + where + " -F\n";
  for (const std::string& call : name_lists(command, "__"))
    text += fmt::format("complete -c wireguard4netns -n {} -a \"({})\"\n", where, call);
  if (!command.first_choices.empty() && !is_group) {
    text += fmt::format("complete -c wireguard4netns -n {} -a '{}'\n", where, fmt::join(command.first_choices, " "));
  }
  for (const OptionDescription& option : command.options) text += fish_option(option, where);
  return text;
}

std::string fish_script(const std::vector<CommandDescription>& commands) {
  const std::string none = fmt::format("'not __fish_seen_subcommand_from {}'", fmt::join(names_of(commands), " "));
  std::string text = R"(function __wireguard4netns_profiles
  set -l folder (set -q XDG_CONFIG_HOME; and echo $XDG_CONFIG_HOME; or echo ~/.config)
  for file in $folder/wireguard4netns/profiles/*.conf
    basename $file .conf
  end
end

function __wireguard4netns_running
  for path in /run/$argv[1]/*$argv[2] $XDG_RUNTIME_DIR/$argv[1]/*$argv[2]
    basename $path $argv[2]
  end
end

# The line so far has these words, and no more.
function __wireguard4netns_at
  set -l words (commandline -opc)
  test (count $words) -gt 1; and test "$words[2..-1]" = "$argv"
end

# The line so far begins with these words.
function __wireguard4netns_in
  set -l words (commandline -opc)
  set -l last (math 1 + (count $argv))
  test (count $words) -ge $last; and test "$words[2..$last]" = "$argv"
end

complete -c wireguard4netns -f
)";
  for (const CommandDescription& command : commands) {
    const std::string where = command.name.empty() ? none : "'__wireguard4netns_in " + command.name + "'";
    if (is_of_a_group(command)) {
      const std::string group = command.name.substr(0, command.name.rfind(' '));
      text += fmt::format("\ncomplete -c wireguard4netns -n '__wireguard4netns_at {}' -a {} -d {}\n", group,
                          last_word(command), fish_quoted(command.about));
    } else if (!command.name.empty()) {
      text += fmt::format("\ncomplete -c wireguard4netns -n __fish_use_subcommand -a {} -d {}\n", command.name,
                          fish_quoted(command.about));
    }
    text += fish_command(command, where, is_group(command, commands));
  }
  return text;
}

// --- zsh -------------------------------------------------------------------------------------------------------------

/// One of _arguments' words: "(-m --mtu)"{-m+,--mtu=}"[about]:BYTES:action".
std::string zsh_option(const OptionDescription& option) {
  const bool takes_value = !option.value.empty();
  std::vector<std::string> names = option.names;
  if (takes_value)
    for (std::string& name : names) name += is_long(name) ? "=" : "+";
  std::string action;
  if (takes_path(option))
    action = "_files";
  else if (takes_profile(option))
    action = "($(_wireguard4netns_profiles))";
  else if (!option.choices.empty())
    action = fmt::format("({})", fmt::join(option.choices, " "));
  const std::string value = takes_value ? fmt::format(":{}:{}", escaped(option.value, ":"), action) : "";
  const std::string about = escaped(option.about, "[]:\\\"$`");
  if (names.size() == 1) return fmt::format("\"{}[{}]{}\"", names[0], about, value);
  return fmt::format("\"({})\"{{{}}}\"[{}]{}\"", fmt::join(option.names, " "), fmt::join(names, ","), about, value);
}

std::string zsh_command(const CommandDescription& command) {
  std::vector<std::string> words;
  words.reserve(command.options.size() + 3);
  for (const OptionDescription& option : command.options) words.push_back(zsh_option(option));
  if (command.name.empty()) words.emplace_back("'1: :_wireguard4netns_commands'");
  std::vector<std::string> first = command.first_choices;
  for (const std::string& call : name_lists(command, "_")) first.push_back("$(" + call + ")");
  if (command.takes_profiles && command.takes_files)
    words.emplace_back("'1: :_wireguard4netns_configurations'");
  else if (!first.empty())
    words.push_back(fmt::format("\"1: :({})\"", fmt::join(first, " ")));
  if (command.takes_files) words.emplace_back("'*:file:_files'");
  return fmt::format("  {})\n    _arguments -s {}\n    ;;\n", command.name.empty() ? "*" : "'" + command.name + "'",
                     fmt::join(words, " \\\n      "));
}

std::string zsh_script(const std::vector<CommandDescription>& commands) {
  const auto names = names_of(commands);
  std::string told;
  std::string cases;
  for (const CommandDescription& command : commands) {
    if (command.name.empty()) continue;
    if (!is_of_a_group(command))
      told += fmt::format("    \"{}:{}\"\n", command.name, escaped(command.about, ":\"\\$`"));
    cases += zsh_command(command);
  }
  for (const CommandDescription& command : commands)
    if (command.name.empty()) cases += zsh_command(command);
  return fmt::format(R"(#compdef wireguard4netns

_wireguard4netns_profiles() {{
  local -a files=("${{XDG_CONFIG_HOME:-$HOME/.config}}"/wireguard4netns/profiles/*.conf(N:t:r))
  print -r -- $files
}}

_wireguard4netns_running() {{
  local -a found=({{/run,$XDG_RUNTIME_DIR}}/$1/*$2(N:t))
  print -r -- ${{found%$2}}
}}

_wireguard4netns_configurations() {{
  local known=$(_wireguard4netns_profiles)
  _alternative profiles:profile:\($known\) files:file:_files
}}

_wireguard4netns_commands() {{
  local -a commands=(
{}  )
  _describe command commands
  _files
}}

_wireguard4netns() {{
  local command=
  if ((CURRENT > 2)) && [[ $words[2] == ({}) ]]; then
    command=$words[2]
    shift words
    ((CURRENT--))
  fi
  if ((CURRENT > 2)) && [[ "$command $words[2]" == ({}) ]]; then
    command+=" $words[2]"
    shift words
    ((CURRENT--))
  fi
  case $command in
{}  esac
}}

# From a folder of $fpath this file is the function's first call; read as a script it only defines it.
if [[ $funcstack[1] == _wireguard4netns ]]; then
  _wireguard4netns "$@"
else
  compdef _wireguard4netns wireguard4netns
fi
)",
                     told, fmt::join(names, "|"), patterns_of_groups(commands, "|"), cases);
}

}  // namespace

std::string completion_script(Shell shell, const std::vector<CommandDescription>& commands) {
  switch (shell) {
    case Shell::bash:
      return bash_script(commands);
    case Shell::fish:
      return fish_script(commands);
    case Shell::zsh:
      return zsh_script(commands);
  }
  return {};
}

}  // namespace wg4
