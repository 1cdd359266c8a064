#pragma once
// One line an event, to stderr: "wireguard4netns: warning: ...". Keys and packets never get here.
// If that is systemd's journal the level is in front, too, the way that it understands: "<4>wireguard4netns: ...".
// The level is the project's one global: a log call is everywhere and means the same everywhere.

#include <fmt/format.h>

#include <string_view>

namespace wg4::log {

enum class Level : int { silent, error, warning, info, debug };

void set_program(std::string_view name);
void set_level(Level level);
/// Finds out whether stderr is the journal (systemd.exec(5), $JOURNAL_STREAM).
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
