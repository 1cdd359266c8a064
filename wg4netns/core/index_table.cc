#include "wg4netns/core/index_table.h"

#include <cstddef>
#include <utility>

#include "shared/base/check.h"

namespace wg4 {

std::size_t IndexTable::locate(std::uint32_t index) const {
  std::size_t at = wrap(index);
  while (!slots_[at].empty() && slots_[at].index != index) at = wrap(at + 1);
  return at;
}

const IndexTable::Entry* IndexTable::find(std::uint32_t index) const {
  const Slot& slot = slots_[locate(index)];
  return slot.empty() ? nullptr : &slot.entry;
}

std::uint32_t IndexTable::allocate(Entropy& entropy, Entry entry) {
  CHECK(entry.peer != no_peer);
  if (4 * (size_ + 1) > 3 * slots_.size()) resize(2 * slots_.size());
  std::uint32_t index = entropy.u32();
  while (find(index) != nullptr) index = entropy.u32();
  slots_[locate(index)] = {index, entry};
  ++size_;
  return index;
}

void IndexTable::replace(std::uint32_t index, Entry entry) {
  Slot& slot = slots_[locate(index)];
  CHECK(!slot.empty() && entry.peer != no_peer);
  slot.entry = entry;
}

void IndexTable::remove(std::uint32_t index) {
  std::size_t gap = locate(index);
  if (slots_[gap].empty()) return;
  // An entry behind the gap whose probe sequence crosses the gap moves into it (Knuth, 6.4, algorithm R).
  for (std::size_t at = wrap(gap + 1); !slots_[at].empty(); at = wrap(at + 1)) {
    const std::size_t from_home = wrap(at - slots_[at].index);
    if (from_home < wrap(at - gap)) continue;
    slots_[gap] = slots_[at];
    gap = at;
  }
  slots_[gap] = {};
  --size_;
  if (slots_.size() > min_slots && 8 * size_ < slots_.size()) resize(slots_.size() / 2);
}

void IndexTable::resize(std::size_t slots) {
  const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots));
  for (const Slot& slot : old) {
    if (!slot.empty()) slots_[locate(slot.index)] = slot;
  }
}

}  // namespace wg4
