#pragma once
// All event sources of the loop, by the numbers that their events come back with.

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "shared/base/result.h"
#include "wg4netns/core/time.h"
#include "wg4netns/daemon/event_source.h"
#include "wg4netns/dataplane/loop.h"

namespace wg4 {

class SourceTable {
 public:
  void add(std::unique_ptr<EventSource> source) { sources_.push_back(std::move(source)); }

  /// Their events come as Source::event_source.
  [[nodiscard]] Result<void> watch(Loop& loop) const;

  /// The turn that an event asks for. False when the tunnel is to end.
  [[nodiscard]] Result<bool> turn(Loop& loop, std::uint32_t number, Now now) const;
  /// A turn for each whose deadline has come; likewise.
  [[nodiscard]] Result<bool> expire(Loop& loop, Now now) const;
  /// The first deadline of all, or `never`.
  [[nodiscard]] Instant next_deadline() const;

 private:
  std::vector<std::unique_ptr<EventSource>> sources_;
};

}  // namespace wg4
