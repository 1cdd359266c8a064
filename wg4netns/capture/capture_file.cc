#include "wg4netns/capture/capture_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "shared/sys/deadline.h"
#include "shared/sys/log.h"

namespace wg4::capture {
namespace {

constexpr std::chrono::seconds patience{10};      // for somebody who reads from a FIFO
constexpr std::chrono::seconds last_patience{2};  // at the end
constexpr std::chrono::milliseconds pause{20};
constexpr int wait_ms = 100;
constexpr mode_t only_this_user = 0600;

/// A pipe is never to block, since there would be no end to it.
UniqueFd open_to_write(const std::string& path) {
  const Deadline deadline = deadline_in(patience);
  for (;;) {
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, only_this_user));
    const bool nobody_reads = !fd.valid() && errno == ENXIO;
    if (!nobody_reads || std::chrono::steady_clock::now() >= deadline) return fd;
    std::this_thread::sleep_for(pause);
  }
}

std::string hint_for(int number) {
  if (number == ENXIO) return "Nobody reads from it: start that program first";
  return number == ENOENT ? "Make its folder first" : "";
}

Result<UniqueFd> standard_output() {
  struct stat status{};
  if (fstat(STDOUT_FILENO, &status) != 0) return fail("write a capture to standard output", errno);
  if (isatty(STDOUT_FILENO) != 0)
    return fail("a capture is no text for a terminal", 0, "Send it to a program: ... | tshark -r -");
  // Opened again, a pipe does not block us, and does as it did for others.
  UniqueFd fd;
  if (S_ISFIFO(status.st_mode)) fd.reset(::open("/proc/self/fd/1", O_WRONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) fd.reset(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
  if (!fd.valid()) return fail("write a capture to standard output", errno);
  return fd;
}

}  // namespace

Result<CaptureFile> CaptureFile::open(const std::string& path) {
  if (path == "-") return CaptureFile(TRY(standard_output()));
  UniqueFd fd = open_to_write(path);
  if (!fd.valid()) {
    const int number = errno;
    return fail("open " + path + " for a capture", number, hint_for(number));
  }
  struct stat status{};
  if (fstat(fd.get(), &status) != 0) return fail("look at " + path, errno);
  // A file that was there already keeps its owner, but neither its readers nor what was in it.
  if (S_ISREG(status.st_mode) && (fchmod(fd.get(), only_this_user) != 0 || ftruncate(fd.get(), 0) != 0))
    return fail("take over " + path, errno, "Name a file that is not there yet");
  return CaptureFile(std::move(fd));
}

void CaptureFile::hurry() { deadline_ = deadline_in(last_patience); }

bool CaptureFile::write(ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t size = ::write(fd_.get(), bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && (errno != EAGAIN || !wait_for_reader())) return false;
    if (size > 0) bytes = bytes.subspan(static_cast<std::size_t>(size));
  }
  return true;
}

/// False, with EAGAIN, when there is no more time.
bool CaptureFile::wait_for_reader() const {
  if (std::chrono::steady_clock::now() >= deadline_.load()) {
    errno = EAGAIN;
    return false;
  }
  pollfd waiting{fd_.get(), POLLOUT, 0};
  poll(&waiting, 1, wait_ms);
  return true;
}

void warn_of_keys(std::string_view option) {
  log::warning(
      "{}: the capture holds the private key and the keys of every session: whoever has the file reads all of the "
      "traffic and can pass for this tunnel. Make new keys when you are done",
      option);
}

}  // namespace wg4::capture
