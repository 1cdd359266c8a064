#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace wg4::forward {

/// Values under small numbers, which are part of the loop's events. They do not move in memory.
///
/// A number is not reused before recycle() is called at the end of a turn: until then, an event that was fetched
/// earlier may have it, and must not hit another value.
template <class T>
class Slots {
 public:
  std::uint32_t put(T value) {
    ++size_;
    if (free_.empty()) {
      values_.emplace_back(std::move(value));
      return static_cast<std::uint32_t>(values_.size() - 1);
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    values_[index].emplace(std::move(value));
    return index;
  }
  /// nullptr if there is no value (any more).
  [[nodiscard]] T* find(std::uint32_t index) {
    return index < values_.size() && values_[index] ? &*values_[index] : nullptr;
  }
  /// A value that exists.
  [[nodiscard]] T& operator[](std::uint32_t index) { return *values_[index]; }
  [[nodiscard]] const T& operator[](std::uint32_t index) const { return *values_[index]; }
  /// Destroys the value.
  void drop(std::uint32_t index) {
    if (find(index) == nullptr) return;
    values_[index].reset();
    dropped_.push_back(index);
    --size_;
  }
  void recycle() {
    free_.insert(free_.end(), dropped_.begin(), dropped_.end());
    dropped_.clear();
  }

  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  std::deque<std::optional<T>> values_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> dropped_;
  std::size_t size_ = 0;
};

}  // namespace wg4::forward
