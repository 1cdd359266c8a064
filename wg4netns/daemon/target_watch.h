#pragma once

#include <utility>
// Knows when the last process of a network namespace has ended. The namespace itself tells nobody, and our own TUN
// descriptor keeps it alive: so one process in it is watched at a time, and when that ends another is looked for.
//
// A process of its own does that: whose namespace another process is in can be seen only by who might trace it, and
// that right is what the sandbox of the program takes away.

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/process.h"

namespace wg4 {

class TargetWatch {
 public:
  /// Watches a network namespace until the end, beginning with `process` in it (a pidfd). To be called before any
  /// secret is read.
  [[nodiscard]] static Result<TargetWatch> create(UniqueFd process, int netns, bool sandboxed);

  /// Readable when there is something to learn from end().
  [[nodiscard]] int fd() const { return watcher_.pidfd(); }
  /// The last process has ended that could be seen; or a failure: nobody watches any more.
  [[nodiscard]] Result<void> end();

 private:
  TargetWatch(Child watcher, UniqueFd program) : watcher_(std::move(watcher)), program_(std::move(program)) {}

  Child watcher_;
  UniqueFd program_;  // a pipe's end, which ends with us
};

}  // namespace wg4
