#pragma once

#include <utility>
// Knows when the last process of a network namespace has ended. The namespace itself tells nobody, and our own TUN
// descriptor keeps it alive: so one process in it is watched at a time, and when that ends another is looked for.
//
// A process of its own does that: only a process that may trace another one can see its namespace, and the sandbox
// takes that right away from the tunnel.

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
  /// Succeeds if the last process that could be seen has ended; fails if the watcher has failed.
  [[nodiscard]] Result<void> end();

 private:
  TargetWatch(Child watcher, UniqueFd program) : watcher_(std::move(watcher)), program_(std::move(program)) {}

  Child watcher_;
  UniqueFd program_;  // a pipe's end, which ends with us
};

}  // namespace wg4
