#pragma once
// Removes the program's files at its end, its sockets and its entry in the registry: from outside of the sandbox, in
// which nobody can remove anything. It is a process of its own: after it has been told the files, once, it
// can do nothing but remove files in their folders.

#include <utility>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/process.h"
#include "shared/sys/unique_file.h"

namespace wg4 {

class Janitor {
 public:
  /// To be called before any secret is read. With `sandboxed` it gives up what this host permits to give up.
  [[nodiscard]] static Result<Janitor> create(bool sandboxed);

  /// Hands over the files to remove when this object, or the program, ends, by SIGKILL too; to be called once. Files
  /// that have been replaced by others by then stay.
  [[nodiscard]] Result<void> take(std::vector<UniqueFile> files) const;

  Janitor(Janitor&&) noexcept = default;
  Janitor& operator=(Janitor&&) = delete;
  Janitor(const Janitor&) = delete;
  Janitor& operator=(const Janitor&) = delete;
  /// The files are gone when this returns.
  ~Janitor();

 private:
  Janitor(Child child, UniqueFd socket) : child_(std::move(child)), socket_(std::move(socket)) {}

  Child child_;
  UniqueFd socket_;  // its end is the signal
};

}  // namespace wg4
