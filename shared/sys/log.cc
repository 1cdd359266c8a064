#include "shared/sys/log.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "shared/base/escaped_text.h"

namespace wg4::log {
namespace {

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): see the header
Level current_level = Level::info;
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
std::string program = "wireguard4netns";
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
bool journal = false;

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

/// The kernel's levels, sd-daemon(3).
std::string_view journal_prefix(Level level) {
  switch (level) {
    case Level::error:
      return "<3>";
    case Level::warning:
      return "<4>";
    case Level::debug:
      return "<7>";
    case Level::info:
    case Level::silent:
      break;
  }
  return "<6>";
}

}  // namespace

void set_program(std::string_view name) { program = name; }
void set_level(Level level) { current_level = level; }
Level level() { return current_level; }

void look_for_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat info{};
  journal =
      stream != nullptr && fstat(STDERR_FILENO, &info) == 0 && fmt::format("{}:{}", info.st_dev, info.st_ino) == stream;
}

void write(Level level, std::string_view message) {
  std::string line(journal ? journal_prefix(level) : "");
  line.append(program).append(prefix(level)).append(printable(message)).push_back('\n');
  // One write a line, so that lines of several processes do not mix. A log that cannot be written is no reason to stop.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace wg4::log
