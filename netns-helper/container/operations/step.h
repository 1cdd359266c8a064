#pragma once
// How operations are applied, in two halves. prepare() takes hold of what is the host's, by its path, while the host's
// root is still this process' own: a missing source is known before anything is made. The step that it returns does the
// rest in the new root, which is by then at a place that nothing of the host's leads to.

#include <functional>
#include <string>

#include "netns-helper/container/operations/operation.h"
#include "netns-helper/container/operations/targets.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4::container {

/// The new root while it is made.
struct Site {
  Targets targets;
  UniqueFd hidden;  ///< a folder for files that the root shows in another place; not seen in it itself
  int next = 1;     ///< of the names in there

  [[nodiscard]] std::string new_name() { return std::to_string(next++); }
};

using Step = std::move_only_function<Result<void>(Site&)>;

// The operation must outlive its step.
[[nodiscard]] Result<Step> prepare(const Bind& bind);
[[nodiscard]] Result<Step> prepare(const Dev& dev);
[[nodiscard]] Result<Step> prepare(const Proc& proc);
[[nodiscard]] Result<Step> prepare(const Sysfs& sysfs);
[[nodiscard]] Result<Step> prepare(const Mqueue& mqueue);
[[nodiscard]] Result<Step> prepare(const Tmpfs& tmpfs);
[[nodiscard]] Result<Step> prepare(const ReadOnly& read_only);
[[nodiscard]] Result<Step> prepare(const Mkdir& mkdir);
[[nodiscard]] Result<Step> prepare(const Overlay& overlay);
[[nodiscard]] Result<Step> prepare(const Place& place);
[[nodiscard]] Result<Step> prepare(const Link& link);
[[nodiscard]] Result<Step> prepare(const Chmod& chmod);
[[nodiscard]] Result<Step> prepare(const Remount& remount);
[[nodiscard]] Result<Step> prepare(const Etc& etc);
[[nodiscard]] Result<Step> prepare(const Root& root);

}  // namespace wg4::container
