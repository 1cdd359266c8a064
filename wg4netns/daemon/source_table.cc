#include "wg4netns/daemon/source_table.h"

#include <algorithm>
#include <cstddef>

#include "wg4netns/core/timers.h"

namespace wg4 {

Result<void> SourceTable::watch(Loop& loop) const {
  for (std::size_t i = 0; i < sources_.size(); ++i)
    if (const int fd = sources_[i]->fd(); fd >= 0)
      TRY(loop.watch(fd, Source::event_source, sources_[i]->events(), static_cast<std::uint32_t>(i)));
  return {};
}

Result<bool> SourceTable::turn(Loop& loop, std::uint32_t number, Now now) const {
  EventSource& source = *sources_[number];
  const AfterTurn after = TRY(source.turn(now));
  if (after == AfterTurn::unwatch) loop.forget(source.fd());
  return after != AfterTurn::end;
}

Result<bool> SourceTable::expire(Loop& loop, Now now) const {
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    if (sources_[i]->next_deadline().value_or(never) > now.boot) continue;
    if (!TRY(turn(loop, static_cast<std::uint32_t>(i), now))) return false;
  }
  return true;
}

Instant SourceTable::next_deadline() const {
  Instant next = never;
  for (const auto& source : sources_) next = std::min(next, source->next_deadline().value_or(never));
  return next;
}

}  // namespace wg4
