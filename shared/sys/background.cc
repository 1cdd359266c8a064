#include "shared/sys/background.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "shared/sys/pipe.h"
#include "shared/sys/process.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U  // Linux 6.3
#endif

namespace wg4 {
namespace {

constexpr std::string_view ready_word = "1";  // as --ready-fd has it; no error text looks like that

/// Opens /dev/null; 0, 1 and 2 are open afterwards, so that none of them comes to be a descriptor of ours.
Result<UniqueFd> open_null() {
  for (;;) {
    const int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd < 0) return fail("open /dev/null", errno);
    if (fd > STDERR_FILENO) return UniqueFd(fd);
  }
}

Result<UniqueFd> make_log() {
  constexpr unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  UniqueFd file(memfd_create("stderr", flags | MFD_NOEXEC_SEAL));
  if (!file.valid() && errno == EINVAL) file.reset(memfd_create("stderr", flags));
  if (!file.valid()) return fail("create a file in memory", errno);
  return file;
}

void copy_log(int file) {
  std::array<char, 4096> buffer{};
  off_t offset = 0;
  for (;;) {
    const ssize_t got = pread(file, buffer.data(), buffer.size(), offset);
    if (got <= 0 || write(STDERR_FILENO, buffer.data(), static_cast<std::size_t>(got)) < 0) return;
    offset += got;
  }
}

struct Plumbing {
  UniqueFd null;
  UniqueFd log;
  Pipe report;
};

Result<Plumbing> lay_pipes() { return Plumbing{TRY(open_null()), TRY(make_log()), TRY(make_pipe())}; }

/// Everything until the body runs, in the process that stays.
Result<UniqueFd> settle(Plumbing& plumbing) {
  plumbing.report.reader.reset();
  std::signal(SIGPIPE, SIG_IGN);  // the caller's process may have gone before it hears that all is ready
  setsid();                       // cannot fail in a new child
  if (chdir("/") != 0) return fail("go to /", errno);
  const std::array<int, 3> standard{plumbing.null.get(), plumbing.null.get(), plumbing.log.get()};
  for (int fd = 0; fd < static_cast<int>(standard.size()); ++fd)
    if (dup2(standard[static_cast<std::size_t>(fd)], fd) < 0)
      return fail("redirect descriptor " + std::to_string(fd), errno);
  plumbing.null.reset();
  plumbing.log.reset();
  UniqueFd ready(fcntl(plumbing.report.writer.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!ready.valid()) return fail("copy a descriptor", errno);
  return ready;
}

Result<void> settle_and_run(Plumbing& plumbing, const std::function<Result<void>(UniqueFd)>& body) {
  return body(TRY(settle(plumbing)));
}

[[noreturn]] void stay(Plumbing plumbing, const std::function<Result<void>(UniqueFd)>& body) {
  const auto result = settle_and_run(plumbing, body);
  if (result) _exit(EXIT_SUCCESS);
  // Before it was ready this is the caller's error; later nobody reads it.
  const std::string text = result.error().message();
  [[maybe_unused]] const ssize_t written = write(plumbing.report.writer.get(), text.data(), text.size());
  _exit(EXIT_FAILURE);
}

/// What the child says until it is ready, or until it has closed the pipe.
std::string read_report(int pipe) {
  std::string report;
  std::array<char, 512> buffer{};
  while (report != ready_word) {
    const ssize_t got = read(pipe, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    report.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return report;
}

/// Waits for the end of a child that failed, so that nothing of it is left when the caller hears of it.
ExitStatus reap(pid_t pid) {
  siginfo_t info{};
  while (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) != 0 && errno == EINTR) {
  }
  return {info.si_code != CLD_EXITED, info.si_status};
}

}  // namespace

Result<pid_t> run_in_background(const std::function<Result<void>(UniqueFd ready_fd)>& body, std::span<const int> keep) {
  close_others(keep);
  Plumbing plumbing = TRY(lay_pipes());
  const pid_t pid = fork();
  if (pid < 0) return fail("start a process in the background", errno);
  if (pid == 0) stay(std::move(plumbing), body);

  plumbing.report.writer.reset();
  const std::string report = read_report(plumbing.report.reader.get());
  copy_log(plumbing.log.get());
  if (report == ready_word) {
    if (fcntl(plumbing.log.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW) == 0) return pid;
    return fail("seal the log of the process in the background", errno);
  }
  const std::string end = reap(pid).to_string();
  return fail(report.empty() ? "the process in the background " + end + " before it was ready" : report);
}

}  // namespace wg4
