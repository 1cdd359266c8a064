#pragma once
// The user's own editor.

#include <string>
#include <utility>

#include "shared/base/result.h"
#include "shared/sys/signals.h"

namespace wg4 {

/// Edits files, and asks what to do then. As long as this object lives, what a terminal or a service manager ends us
/// with is an error of these functions, so that the caller can remove its files. SIGINT and SIGQUIT are for the editor.
class Editor {
 public:
  [[nodiscard]] static Result<Editor> create();

  /// Runs $VISUAL, or $EDITOR, or else editor(1) or vi(1), on a file, and returns when that has ended. An error if it
  /// could not run or failed, or if we were asked to end: then it is ended, too.
  [[nodiscard]] Result<void> run(const std::string& path);

  /// Is there a person at a terminal, who wants us to go on?
  [[nodiscard]] bool can_ask() const;

  /// Asks until the answer begins with one of `letters`. An empty answer is the first; the end of the input or any
  /// signal is the last.
  [[nodiscard]] char ask(const std::string& question, const std::string& letters);

 private:
  explicit Editor(SignalFd signals) : signals_(std::move(signals)) {}

  SignalFd signals_;
  bool asked_to_end_ = false;
};

}  // namespace wg4
