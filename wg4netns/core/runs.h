#pragma once
// Many short arrays ("runs") in one vector. An index names the first item of a run: half the size of a pointer, and no
// allocation per run. The capacity of a run is its size, rounded up to a power of two; it moves when that changes, and
// the space that it leaves is reused for another run of that capacity.

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace wg4 {

/// Runs of 1 to 32 items. The owner of a run remembers where it begins and how many items it has. For an empty run
/// `first` does not matter.
template <class T>
class Runs {
 public:
  using Index = std::uint32_t;

  [[nodiscard]] T& operator[](Index at) { return items_[at]; }
  [[nodiscard]] const T& operator[](Index at) const { return items_[at]; }

  /// Makes `item` the one at `offset` of a run of `count`; those behind it move up. Returns where the run begins now.
  Index insert(Index first, unsigned count, unsigned offset, T item);
  /// The inverse.
  Index erase(Index first, unsigned count, unsigned offset);
  /// Items of all runs.
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  [[nodiscard]] static unsigned room_for(unsigned count) { return count == 0 ? 0 : std::bit_ceil(count); }
  [[nodiscard]] auto iterator(Index at) { return items_.begin() + static_cast<std::ptrdiff_t>(at); }
  [[nodiscard]] Index allocate(unsigned room);
  void release(Index first, unsigned room);
  [[nodiscard]] std::vector<Index>& free_of(unsigned room) {
    return free_[static_cast<std::size_t>(std::bit_width(room)) - 1];
  }

  std::vector<T> items_;
  std::array<std::vector<Index>, 6> free_;  // by the logarithm of their capacity
  std::size_t size_ = 0;
};

template <class T>
auto Runs<T>::insert(Index first, unsigned count, unsigned offset, T item) -> Index {
  const bool moves = room_for(count + 1) != room_for(count);
  const Index to = moves ? allocate(room_for(count + 1)) : first;
  std::copy_backward(iterator(first + offset), iterator(first + count), iterator(to + count + 1));
  if (moves) {
    std::copy_n(iterator(first), offset, iterator(to));
    release(first, room_for(count));
  }
  items_[to + offset] = item;
  ++size_;
  return to;
}

template <class T>
auto Runs<T>::erase(Index first, unsigned count, unsigned offset) -> Index {
  const bool moves = room_for(count - 1) != room_for(count);
  const Index to = moves ? allocate(room_for(count - 1)) : first;
  std::copy(iterator(first + offset + 1), iterator(first + count), iterator(to + offset));
  if (moves) {
    std::copy_n(iterator(first), offset, iterator(to));
    release(first, room_for(count));
  }
  --size_;
  return to;
}

template <class T>
auto Runs<T>::allocate(unsigned room) -> Index {
  if (room == 0) return 0;
  std::vector<Index>& free = free_of(room);
  if (free.empty()) {
    items_.resize(items_.size() + room);
    return static_cast<Index>(items_.size() - room);
  }
  const Index first = free.back();
  free.pop_back();
  return first;
}

template <class T>
void Runs<T>::release(Index first, unsigned room) {
  if (room != 0) free_of(room).push_back(first);
}

}  // namespace wg4
