#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/deadline.h"

namespace wg4::capture {

/// Where a capture goes: a file or a FIFO that only this user can open, or standard output.
class CaptureFile {
 public:
  /// `path` is "-" for standard output. A file is overwritten. For a FIFO this waits for a reader, at most 10 seconds.
  /// A file of another user, a link and a device are refused.
  [[nodiscard]] static Result<CaptureFile> open(const std::string& path);

  CaptureFile(CaptureFile&& other) noexcept : fd_(std::move(other.fd_)), deadline_(other.deadline_.load()) {}
  CaptureFile& operator=(CaptureFile&&) = delete;

  /// Writes all of it, however long that takes. False, with errno, on failure.
  [[nodiscard]] bool write(ByteView bytes);
  /// Any thread may call it: from now on, the reader of a pipe gets two more seconds, however much is left to be
  /// written.
  void hurry();

 private:
  explicit CaptureFile(UniqueFd fd) : fd_(std::move(fd)) {}
  [[nodiscard]] bool wait_for_reader() const;

  UniqueFd fd_;
  std::atomic<Deadline> deadline_ = Deadline::max();
};

/// Warns the user of what a capture with keys means; `option` is the one that asked for it.
void warn_of_keys(std::string_view option);

}  // namespace wg4::capture
