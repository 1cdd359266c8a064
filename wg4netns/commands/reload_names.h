#pragma once
// The part of a reload that concerns commands in the tunnel: which servers resolve names for them.

#include <sys/types.h>

#include <optional>
#include <utility>

#include "shared/base/result.h"
#include "shared/config/wg_config.h"
#include "wg4netns/supervise/keeper_client.h"
#include "wg4netns/supervise/keeper_message.h"

namespace wg4 {

/// The keeper of a tunnel, and what it is to be told.
class NamesReload {
 public:
  /// Nothing if no commands run in the tunnel whose process is `owner`. A server that `config` does not lead to is an
  /// error.
  [[nodiscard]] static Result<std::optional<NamesReload>> prepare(pid_t owner, const WgConfig& config);

  /// False if nothing has changed.
  [[nodiscard]] Result<bool> apply() { return keeper_.rename(names_); }

 private:
  NamesReload(keeper::Client keeper, keeper::Names names) : keeper_(std::move(keeper)), names_(std::move(names)) {}

  keeper::Client keeper_;
  keeper::Names names_;
};

}  // namespace wg4
