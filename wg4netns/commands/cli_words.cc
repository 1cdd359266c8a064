#include "wg4netns/commands/cli_words.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <expected>

#include "shared/base/ascii.h"
#include "shared/base/near_word.h"

namespace wg4 {
namespace {

constexpr const char* usage = "The line is: wireguard4netns PID [IFNAME [CONF]]";

bool is_file(const std::string& path) {
  struct stat info{};
  return stat(path.c_str(), &info) == 0 && !S_ISDIR(info.st_mode);
}

/// Does it begin as names of WireGuard interfaces usually do?
bool is_usual_name(std::string_view word) { return word.starts_with("wg") || word.starts_with("utun"); }

/// "tap0", "vpn12": is it like the name of an interface?
bool is_interface_name(std::string_view word) {
  const auto digits = std::ranges::find_if_not(word, is_letter);
  const bool letters_and_number =
      digits != word.begin() && digits != word.end() && std::all_of(digits, word.end(), is_digit);
  return is_usual_name(word) || letters_and_number;
}

// ---------------------------------------------------------------- commands that do not exist

/// Words of other programs, with spaces between them, and a hint at what does the same here.
struct Habit {
  std::string_view words;
  const char* here;
};

constexpr auto habits = std::to_array<Habit>({
    {"status stat stats list ls info", "Did you mean `show`?"},
    {"restart refresh sync", "Did you mean `reload`?"},
    {"test validate lint", "Did you mean `check`?"},
    {"diagnose debug", "Did you mean `doctor`?"},
    {"dump pcap tcpdump record", "Did you mean `capture`?"},
    {"keygen", "Did you mean `genkey`?"},
    {"help", "Did you mean --help?"},
    {"version", "Did you mean --version?"},
    {"set setconf addconf syncconf showconf", "Did you mean `wg`, and behind it what wg(8) takes?"},
    {"start connect add create attach", "A tunnel is started by: wireguard4netns up PROFILE, or PID wg0 CONF"},
    {"stop end del delete remove disconnect kill", "Did you mean `down`?"},
    {"enter join", "Did you mean `exec`?"},
});

/// The hint for a word that another program takes; empty if it is not exactly one of these.
std::string_view habit_of(std::string_view word) {
  for (const Habit& habit : habits) {
    for (std::string_view rest = habit.words; !rest.empty();) {
      const std::string_view each = rest.substr(0, rest.find(' '));
      if (each == word) return habit.here;
      rest.remove_prefix(std::min(rest.size(), each.size() + 1));
    }
  }
  return "";
}

/// A hint at the command that may have been meant; empty if there is none.
std::string command_meant_by(std::string_view word, CommandNames commands) {
  if (const std::string_view habit = habit_of(word); !habit.empty()) return std::string(habit);
  const std::string_view near = nearest_word(word, commands);
  return near.empty() ? "" : "Did you mean `" + std::string(near) + "`?";
}

// ---------------------------------------------------------------- files

bool has_name_of_config(std::string_view word) { return word.ends_with(".conf"); }

/// "other.conf is a file: wireguard4netns PID wg0 other.conf"
std::unexpected<Error> refuse_config(const std::string& word, const std::string& ifname) {
  const std::string line = "wireguard4netns PID " + ifname + " " + word;
  if (is_file(word)) return fail(word + " is a file: " + line);
  return fail(word + " is a file's name, though there is no such file: " + line);
}

/// A file that may hold a configuration, or have a namespace mounted on it.
std::unexpected<Error> refuse_file(const std::string& word) {
  return fail(word + " is a file", 0,
              "If it is a configuration: wireguard4netns PID wg0 " + word +
                  "; if it is a namespace: wireguard4netns ./" + word +
                  "; for an interface of that name, in this namespace: wireguard4netns -f " + word);
}

/// A PID, or a path; a namespace's file may be here, too.
bool may_be_namespace(const std::string& word) {
  return std::ranges::all_of(word, is_digit) || word.contains('/') || access(word.c_str(), F_OK) == 0;
}

std::string what_it_is_not(const std::string& word) {
  return "'" + word + "' is neither a PID, nor the path of a namespace, nor a command";
}

}  // namespace

Result<void> check_word_alone(const std::string& word, bool invited, CommandNames commands) {
  if (has_name_of_config(word)) return refuse_config(word, "wg0");
  if (invited) return {};
  if (is_file(word)) return refuse_file(word);
  if (is_usual_name(word)) return {};
  TRY(check_first_word(word, commands));
  return fail(what_it_is_not(word), 0,
              std::string(usage) + "; for an interface of that name, in this namespace: wireguard4netns -f " + word);
}

Result<void> check_first_word(const std::string& word, CommandNames commands) {
  const std::string meant = may_be_namespace(word) ? "" : command_meant_by(word, commands);
  return meant.empty() ? Result<void>{} : fail(what_it_is_not(word), 0, meant);
}

Result<void> check_attach_words(const AttachWords& words, CommandNames commands) {
  const bool config_follows = words.conf || words.config_is_named;
  if (words.ifname) {
    const std::string& name = *words.ifname;
    const bool is_config = has_name_of_config(name) || (!config_follows && is_file(name) && !is_interface_name(name));
    if (is_config && words.target_is_guessed) TRY(check_first_word(words.target, commands));
    if (is_config) return refuse_config(name, words.conf && is_interface_name(*words.conf) ? *words.conf : "wg0");
    const bool is_command = std::ranges::find(commands, name) != commands.end();
    if (!config_follows && !is_interface_name(name) && is_command)
      return fail("'" + name + "' is a command, not the name of an interface", 0, usage);
  }
  if (!words.target_is_guessed) return {};
  if (has_name_of_config(words.target)) return refuse_config(words.target, "wg0");
  if (may_be_namespace(words.target)) return {};
  TRY(check_first_word(words.target, commands));
  return fail(what_it_is_not(words.target), 0, usage);
}

}  // namespace wg4
