#pragma once
// One line per event, to stderr: "wireguard4netns: warning: ...". Keys and packets are never logged. If stderr is
// systemd's journal, the level is in front in the journal's format: "<4>wireguard4netns: ...". The state of the log is
// the project's only global state, since every part of the program logs.

#include <fmt/format.h>

#include <string_view>

namespace wg4::log {

enum class Level : int { silent, error, warning, info, debug };

void set_program(std::string_view name);
void set_level(Level level);
/// Detects whether stderr is the journal (systemd.exec(5), $JOURNAL_STREAM).
void look_for_journal();
[[nodiscard]] Level level();
void write(Level level, std::string_view message);

template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  if (level() >= Level::error) write(Level::error, fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  if (level() >= Level::warning) write(Level::warning, fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  if (level() >= Level::info) write(Level::info, fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  if (level() >= Level::debug) write(Level::debug, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace wg4::log
