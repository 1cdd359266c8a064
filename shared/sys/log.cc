#include "shared/sys/log.h"

#include <unistd.h>

#include <string>

namespace wg4::log {
namespace {

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): see the header
Level current_level = Level::info;
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
std::string program = "wireguard4netns";

std::string_view prefix(Level level) {
  switch (level) {
    case Level::error:
      return ": error: ";
    case Level::warning:
      return ": warning: ";
    case Level::debug:
      return ": debug: ";
    case Level::info:
    case Level::silent:
      break;
  }
  return ": ";
}

}  // namespace

void set_program(std::string_view name) { program = name; }
void set_level(Level level) { current_level = level; }
Level level() { return current_level; }

void write(Level level, std::string_view message) {
  std::string line = program;
  line.append(prefix(level)).append(message).push_back('\n');
  // One write a line, so that lines of several processes do not mix. A log that cannot be written is no reason to stop.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace wg4::log
