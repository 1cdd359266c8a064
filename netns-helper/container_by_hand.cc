#include "netns-helper/container_by_hand.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <expected>
#include <iostream>
#include <string_view>
#include <tuple>
#include <utility>

#include "netns-helper/container/container.h"
#include "netns-helper/container/words/words.h"
#include "netns-helper/container_help.h"
#include "shared/base/result.h"
#include "shared/base/version.h"
#include "shared/sys/foreground.h"
#include "shared/sys/log.h"
#include "shared/sys/process.h"
#include "shared/sys/signals.h"
#include "shared/sys/whole_file.h"

namespace wg4::container {
namespace {

constexpr int our_failure = 125;
constexpr std::array passed_on{SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH};

/// The members that bubblewrap writes, in its order.
std::string describe(pid_t pid) {
  std::string text = fmt::format("\"child-pid\": {}", pid);
  for (const char* kind : {"cgroup", "ipc", "mnt", "net", "pid", "uts"}) {
    struct stat status{};
    if (stat(fmt::format("/proc/{}/ns/{}", pid, kind).c_str(), &status) == 0)
      text += fmt::format(", \"{}-namespace\": {}", kind, status.st_ino);
  }
  return "{ " + text + " }\n";
}

Result<void> tell_started(const Contained& contained, pid_t pid) {
  if (contained.info_fd < 0 && contained.json_status_fd < 0) return {};
  const std::string text = describe(pid);
  if (contained.info_fd >= 0) {
    TRY(write_all(contained.info_fd, text));
    close(contained.info_fd);  // whoever reads it waits for the end
  }
  if (contained.json_status_fd >= 0) TRY(write_all(contained.json_status_fd, text));
  return {};
}

Result<void> await_byte(int fd) {
  char byte = 0;
  while (fd >= 0 && read(fd, &byte, 1) < 0)
    if (errno != EINTR) return fail("read from the descriptor of --block-fd", errno);
  return {};
}

/// Signals are the command's: those of the terminal's keys reach it by themselves, unless it has left the session.
void pass_signals_on(const RunningContainer& running, SignalFd& signals, bool same_session) {
  std::array<pollfd, 2> entries{{{signals.fd(), POLLIN, 0}, {running.pidfd(), POLLIN, 0}}};
  while (entries[1].revents == 0) {
    if (poll(entries.data(), entries.size(), -1) < 0) continue;
    while (const auto signal = signals.read_info())
      if (!same_session || signal->ssi_code != SI_KERNEL)
        std::ignore = send_signal(running.pidfd(), static_cast<int>(signal->ssi_signo));
  }
}

Result<int> run(Contained contained, int& failure_status) {
  Container& container = contained.container;
  const bool same_session = container.retain_session;
  container.init = "/proc/self/exe";
  RunningContainer running = TRY(RunningContainer::start(std::move(container)));
  TRY(tell_started(contained, running.pid()));
  TRY(await_byte(contained.block_fd));
  if (const auto served = running.serve(); !served) {
    failure_status = running.failure_status();
    return std::unexpected(served.error());
  }
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : passed_on) sigaddset(&set, signal);
  SignalFd signals = TRY(SignalFd::create(set));
  pass_signals_on(running, signals, same_session);
  const Ending ending = TRY(running.wait());
  const int status = shell_status(ending.status);
  if (contained.json_status_fd >= 0)
    TRY(write_all(contained.json_status_fd, fmt::format("{{ \"exit-code\": {} }}\n", status)));
  return status;
}

Result<Contained> parse(std::span<const std::string> line) {
  Words words;
  const auto command = TRY(words.take_line(line));
  return std::move(words).finish(command);
}

}  // namespace

int run_by_hand(std::span<const std::string> line) {
  if (line.size() == 1 && (line[0] == "--help" || line[0] == "-h" || line[0] == "--version")) {
    if (line[0] == "--version")
      std::cout << "wg4netns-container " << version << "\n";
    else
      std::cout << container_help;
    return std::cout.flush() ? EXIT_SUCCESS : EXIT_FAILURE;
  }
  int status = our_failure;
  auto contained = parse(line);
  if (!contained) {
    log::error("{}", contained.error().message());
    return status;
  }
  const auto ended = run(*std::move(contained), status);
  if (ended) return *ended;
  log::error("{}", ended.error().message());
  return status;
}

}  // namespace wg4::container
