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
#include <vector>

#include "shared/sys/pipe.h"
#include "shared/sys/process.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U  // Linux 6.3
#endif

namespace wg4 {
namespace {

constexpr std::string_view ready_word = "1";  // as for --ready-fd; no error text is like this

/// Opens /dev/null. 0, 1 and 2 are open afterwards, so that later descriptors do not get these numbers.
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

struct Descriptors {
  UniqueFd null;
  UniqueFd log;
  Pipe report;
};

Result<Descriptors> open_descriptors() { return Descriptors{TRY(open_null()), TRY(make_log()), TRY(make_pipe())}; }

void close_all_but(std::span<const int> keep, const Descriptors& own) {
  std::vector<int> kept(keep.begin(), keep.end());
  kept.insert(kept.end(), {own.null.get(), own.log.get(), own.report.reader.get(), own.report.writer.get()});
  close_others(kept);
}

/// Sets up the process that stays, before the body runs.
Result<UniqueFd> set_up(Descriptors& descriptors, StandardError error) {
  descriptors.report.reader.reset();
  std::signal(SIGPIPE, SIG_IGN);  // the caller's process may end before it is told that all is ready
  setsid();                       // cannot fail in a new child
  if (chdir("/") != 0) return fail("go to /", errno);
  const int log = error == StandardError::callers ? STDERR_FILENO : descriptors.log.get();
  const std::array<int, 3> standard{descriptors.null.get(), descriptors.null.get(), log};
  for (int fd = 0; fd < static_cast<int>(standard.size()); ++fd)
    if (dup2(standard[static_cast<std::size_t>(fd)], fd) < 0)
      return fail("redirect descriptor " + std::to_string(fd), errno);
  descriptors.null.reset();
  descriptors.log.reset();
  UniqueFd ready(fcntl(descriptors.report.writer.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!ready.valid()) return fail("copy a descriptor", errno);
  return ready;
}

Result<void> set_up_and_run(Descriptors& descriptors, const std::function<Result<void>(UniqueFd)>& body,
                            StandardError error) {
  return body(TRY(set_up(descriptors, error)));
}

[[noreturn]] void run_child(Descriptors descriptors, const std::function<Result<void>(UniqueFd)>& body,
                            StandardError error) {
  const auto result = set_up_and_run(descriptors, body, error);
  if (result) _exit(EXIT_SUCCESS);
  // If it is not ready yet, the caller returns this error; later, nobody reads it.
  const std::string text = result.error().message();
  [[maybe_unused]] const ssize_t written = write(descriptors.report.writer.get(), text.data(), text.size());
  _exit(EXIT_FAILURE);
}

/// Reads from the child until it is ready, or has closed the pipe.
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

/// Waits for the end of a child that failed, so that nothing is left of it when the caller gets the error.
ExitStatus reap(pid_t pid) {
  siginfo_t info{};
  while (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) != 0 && errno == EINTR) {
  }
  return {info.si_code != CLD_EXITED, info.si_status};
}

}  // namespace

Result<BackgroundStart> BackgroundStart::begin(const std::function<Result<void>(UniqueFd ready_fd)>& body,
                                               std::span<const int> keep, StandardError error) {
  Descriptors descriptors = TRY(open_descriptors());
  const pid_t pid = fork();
  if (pid < 0) return fail("start a process in the background", errno);
  if (pid == 0) {
    close_all_but(keep, descriptors);
    run_child(std::move(descriptors), body, error);
  }
  return BackgroundStart(pid, std::move(descriptors.report.reader), std::move(descriptors.log));
}

Result<pid_t> BackgroundStart::wait() {
  const std::string report = read_report(report_.get());
  copy_log(log_.get());
  if (report == ready_word) {
    if (fcntl(log_.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW) == 0) return pid_;
    return fail("seal the log of the process in the background", errno);
  }
  const std::string end = reap(pid_).to_string();
  return fail(report.empty() ? "the process in the background " + end + " before it was ready" : report);
}

Result<pid_t> run_in_background(const std::function<Result<void>(UniqueFd ready_fd)>& body, std::span<const int> keep) {
  close_others(keep);
  return TRY(BackgroundStart::begin(body, keep)).wait();
}

}  // namespace wg4
