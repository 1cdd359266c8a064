#include "wg4netns/capture/capture_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <thread>

#include "shared/sys/deadline.h"
#include "shared/sys/log.h"

namespace wg4::capture {
namespace {

constexpr std::chrono::seconds patience{10};      // to wait for a FIFO's reader
constexpr std::chrono::seconds last_patience{2};  // at the end
constexpr std::chrono::milliseconds pause{20};
constexpr int wait_ms = 100;
constexpr mode_t only_this_user = 0600;
constexpr mode_t others = S_IRWXG | S_IRWXO;

/// Opens a pipe as non-blocking: otherwise a write could wait for ever.
UniqueFd open_to_write(const std::string& path, int more_flags = 0) {
  constexpr int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW;
  const Deadline deadline = deadline_in(patience);
  for (;;) {
    UniqueFd fd(::open(path.c_str(), flags | more_flags, only_this_user));
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
  // The pipe is opened again, so that it is non-blocking for us alone and not for other processes.
  UniqueFd fd;
  if (S_ISFIFO(status.st_mode)) fd.reset(::open("/proc/self/fd/1", O_WRONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) fd.reset(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
  if (!fd.valid()) return fail("write a capture to standard output", errno);
  return fd;
}

/// A capture is for this user alone. Another owner of the file, or a user who has another hard link to it, could read
/// it.
Result<void> expect_own(const struct stat& status, const std::string& path) {
  const std::string what = "write a capture to " + path;
  const bool is_fifo = S_ISFIFO(status.st_mode);
  if (S_ISDIR(status.st_mode)) return fail(what, EISDIR);
  if (S_ISLNK(status.st_mode)) return fail(what + ": it is a symbolic link", 0, "Name the file itself");
  if (!S_ISREG(status.st_mode) && !is_fifo)
    return fail(what + ": it is neither a file nor a FIFO", 0, "- is standard output, which may be anything");
  if (status.st_uid != geteuid())
    return fail(what + ": it belongs to another user, who could read the capture", 0,
                "Name a file that is not there yet, in a folder of your own");
  if (status.st_nlink != 1)
    return fail(what + ": it has another name, too (a hard link)", 0, "Name a file that is not there yet");
  if (is_fifo && (status.st_mode & others) != 0)
    return fail(what + ": other users may open that FIFO", 0, "Make it with mkfifo -m 600");
  return {};
}

Result<struct stat> look_at(const UniqueFd& fd, const std::string& path) {
  struct stat status{};
  if (fstat(fd.get(), &status) != 0) return fail("look at " + path, errno);
  TRY(expect_own(status, path));
  return status;
}

/// Replaces a file that others were allowed to open: a process that has it open could read the capture.
Result<UniqueFd> replace(const std::string& path) {
  UniqueFd fd;
  if (unlink(path.c_str()) == 0) fd = open_to_write(path, O_EXCL);
  if (!fd.valid()) return fail("replace " + path, errno, "Name a file that is not there yet");
  const auto status = TRY(look_at(fd, path));
  if ((status.st_mode & others) == 0) return fd;
  return fail("write a capture to " + path + ": on its file system others can read every file", 0,
              "Name a file on another one");
}

Result<UniqueFd> own_file(const std::string& path) {
  // Look before opening, since opening alone may have an effect, or block.
  struct stat before{};
  if (lstat(path.c_str(), &before) == 0) TRY(expect_own(before, path));
  UniqueFd fd = open_to_write(path);
  if (!fd.valid()) {
    const int number = errno;
    return fail("open " + path + " for a capture", number, hint_for(number));
  }
  const auto status = TRY(look_at(fd, path));
  if (!S_ISREG(status.st_mode)) return fd;
  if ((status.st_mode & others) != 0) return replace(path);
  if (ftruncate(fd.get(), 0) != 0) return fail("empty " + path, errno, "Name a file that is not there yet");
  return fd;
}

}  // namespace

Result<CaptureFile> CaptureFile::open(const std::string& path) {
  return CaptureFile(TRY(path == "-" ? standard_output() : own_file(path)));
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

/// False, with EAGAIN, when the time is over.
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
      "{}: the capture holds the private key and the keys of every session: anybody who has the file reads all of the "
      "traffic and can pass for this tunnel. Make new keys when you are done",
      option);
}

}  // namespace wg4::capture
