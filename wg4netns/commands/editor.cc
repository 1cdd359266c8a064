#include "wg4netns/commands/editor.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>

#include "shared/sys/process.h"
#include "shared/sys/whole_file.h"

namespace wg4 {
namespace {

std::string editor_command() {
  for (const char* variable : {"VISUAL", "EDITOR"})
    if (const char* value = std::getenv(variable); value != nullptr && *value != '\0') return value;
  return access("/usr/bin/editor", X_OK) == 0 ? "/usr/bin/editor" : "vi";  // Debian's name for any of them
}

/// For sh, which takes the place of a plain command: a signal for it is one for the editor then. As with git the
/// variable may also have options, or be a line of a shell.
std::string line_for(const std::string& command) {
  constexpr std::string_view makes_more_of_it = "|&;<>()$`\\*?[#~%={}!\n";
  const bool plain = command.find_first_of(makes_more_of_it) == std::string::npos;
  return (plain ? "exec " : "") + command + " \"$@\"";
}

/// Waits for input at `fd`, or for a signal, which is returned.
std::optional<int> wait_for(int fd, SignalFd& signals) {
  std::array<pollfd, 2> entries{{{fd, POLLIN, 0}, {signals.fd(), POLLIN, 0}}};
  while (poll(entries.data(), entries.size(), -1) < 0 && errno == EINTR) {
  }
  return signals.read();
}

Result<void> judge_end(const std::string& command, const ExitStatus& status) {
  constexpr int not_executable = 126;  // a shell's statuses
  constexpr int not_found = 127;
  if (status.success()) return {};
  if (!status.signaled && (status.value == not_executable || status.value == not_found))
    return fail("the editor '" + command + "' could not be run", 0, "Set VISUAL or EDITOR to one that is there");
  return fail("the editor '" + command + "' " + status.to_string());
}

}  // namespace

Result<Editor> Editor::create() { return Editor(TRY(SignalFd::create({SIGINT, SIGQUIT, SIGTERM, SIGHUP}))); }

Result<void> Editor::run(const std::string& path) {
  constexpr std::chrono::milliseconds now(0);
  constexpr std::chrono::seconds time_to_end(2);
  const std::string command = editor_command();
  Child editor = TRY(Child::spawn({.program = "/bin/sh",
                                   .arguments = {"sh", "-c", line_for(command), command, path},
                                   .environment = own_environment(),
                                   .fds = {}}));
  for (;;) {
    const auto signal = wait_for(editor.pidfd(), signals_);
    if (signal == SIGTERM || signal == SIGHUP) {
      asked_to_end_ = true;
      kill(editor.pid(), *signal);
      if (!TRY(editor.wait(time_to_end))) editor.kill();
      return fail("ended by signal " + std::to_string(*signal) + " (" + strsignal(*signal) + ")");
    }
    if (const auto status = TRY(editor.wait(now))) return judge_end(command, *status);
  }
}

bool Editor::can_ask() const { return !asked_to_end_ && isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1; }

char Editor::ask(const std::string& question, const std::string& letters) {
  while (const auto signal = signals_.read())  // else it was meant for the editor
    if (signal == SIGTERM || signal == SIGHUP) return letters.back();
  for (;;) {
    std::array<char, 256> line{};
    if (!write_all(STDERR_FILENO, question) || wait_for(STDIN_FILENO, signals_)) return letters.back();
    if (read(STDIN_FILENO, line.data(), line.size()) <= 0) return letters.back();
    if (line.front() == '\n') return letters.front();
    if (letters.contains(line.front())) return line.front();
  }
}

}  // namespace wg4
