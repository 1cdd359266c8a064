#include "shared/sys/log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <syslog.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/escaped_text.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/log_reader.h"
#include "shared/sys/process.h"
#include "shared/sys/unix_socket.h"

namespace wg4::log {
namespace {

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): see the header
Level current_level = Level::info;
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
std::string program = "wireguard4netns";
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
bool journal = false;
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
bool has_no_reader = false;
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
int syslog_socket = -1;
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
std::vector<std::string> kept_warnings;

constexpr std::size_t max_warnings = 16;

/// Is it an unlinked file, /dev/null, or closed?
bool nobody_reads(int fd) {
  struct stat info{};
  if (fstat(fd, &info) != 0) return true;
  if (S_ISREG(info.st_mode)) return info.st_nlink == 0;
  return S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3);
}

/// A connected socket, so that it works in a sandbox without files; it never blocks.
int connect_to_syslog() {
  const auto address = UnixAddress::of_path("/dev/log");
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd >= 0 && address->connect(fd)) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

int priority(Level level) {
  switch (level) {
    case Level::error:
      return LOG_USER | LOG_ERR;
    case Level::warning:
      return LOG_USER | LOG_WARNING;
    case Level::debug:
      return LOG_USER | LOG_DEBUG;
    case Level::info:
    case Level::silent:
      break;
  }
  return LOG_USER | LOG_INFO;
}

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
  const std::string text = std::string(prefix(level)).append(printable(message));
  line.append(program).append(text).push_back('\n');
  if (level == Level::warning && kept_warnings.size() < max_warnings) kept_warnings.emplace_back(message);
  // One write per line, so that lines of several processes do not mix. A failure to log is no reason to stop.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  if (syslog_socket < 0) return;
  // Without the time, for which the time zone's file would have to be read: syslog adds its own.
  const std::string copy = fmt::format("<{}>{}[{}]{}", priority(level), program, getpid(), text);
  [[maybe_unused]] const ssize_t copied = ::write(syslog_socket, copy.data(), copy.size());
}

void look_for_reader() {
  has_no_reader = !journal && nobody_reads(STDERR_FILENO);
  if (has_no_reader && syslog_socket < 0) syslog_socket = connect_to_syslog();
}

void leave_syslog() { syslog_socket = -1; }

std::string place() {
  if (journal) return "the journal (journalctl)";
  if (!has_no_reader) return "standard error";
  if (syslog_socket >= 0) return "syslog (journalctl -t " + program + ")";
  return "nowhere, since nobody reads its standard error and there is no /dev/log";
}

std::vector<std::string> warnings() { return kept_warnings; }

UniqueFd stderr_of_engine() {
  struct stat info{};
  const bool is_file = fstat(STDERR_FILENO, &info) == 0 && S_ISREG(info.st_mode) && info.st_nlink == 0;
  const int seals = fcntl(STDERR_FILENO, F_GET_SEALS);
  const bool is_of_background =
      seals >= 0 && (seals & F_SEAL_SEAL) == 0;  // background.h: shown to the process that started it
  const pid_t parent = getppid();
  if (!is_file || is_of_background || parent <= 1) return {};
  const UniqueFd engine = open_pidfd(parent);
  if (!engine.valid()) return {};
  UniqueFd fd(static_cast<int>(syscall(SYS_pidfd_getfd, engine.get(), STDERR_FILENO, 0)));
  return fd.valid() && !nobody_reads(fd.get()) ? std::move(fd) : UniqueFd();
}

void repeat_warnings(const UniqueFd& fd) {
  if (!fd.valid()) return;
  for (const std::string& warning : kept_warnings) {
    const std::string line = fmt::format("{}{}{}\n", program, prefix(Level::warning), printable(warning));
    [[maybe_unused]] const ssize_t written = ::write(fd.get(), line.data(), line.size());
  }
}

}  // namespace wg4::log
