#pragma once
// Text with keys in it: it grows without leaving a copy behind, and is wiped by the destructor.

#include <sodium/utils.h>

#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "shared/base/bytes.h"

namespace wg4 {

/// A queue of characters: appended at its end, removed at its front.
class SecretText {
 public:
  SecretText() = default;
  SecretText(SecretText&& other) noexcept
      : chars_(std::move(other.chars_)),
        capacity_(std::exchange(other.capacity_, 0)),
        begin_(std::exchange(other.begin_, 0)),
        end_(std::exchange(other.end_, 0)) {}
  SecretText& operator=(SecretText&& other) noexcept {
    if (this != &other) {
      wipe();
      chars_ = std::move(other.chars_);
      capacity_ = std::exchange(other.capacity_, 0);
      begin_ = std::exchange(other.begin_, 0);
      end_ = std::exchange(other.end_, 0);
    }
    return *this;
  }
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;
  ~SecretText() { wipe(); }

  [[nodiscard]] std::string_view view() const { return {chars_.get() + begin_, size()}; }
  [[nodiscard]] std::size_t size() const { return end_ - begin_; }
  [[nodiscard]] bool empty() const { return begin_ == end_; }

  /// Space for `length` characters behind the text; valid until the next call.
  [[nodiscard]] std::span<char> room(std::size_t length) {
    if (capacity_ - end_ < length) move_to_front(length);
    return {chars_.get() + end_, length};
  }
  /// `length` characters were written to the last room().
  void added(std::size_t length) { end_ += length; }

  SecretText& append(std::string_view text) {
    std::ranges::copy(text, room(text.size()).begin());
    added(text.size());
    return *this;
  }
  SecretText& append_hex(ByteView bytes) {
    const auto place = room(2 * bytes.size() + 1);
    sodium_bin2hex(place.data(), place.size(), bytes.data(), bytes.size());
    added(2 * bytes.size());
    return *this;
  }
  SecretText& append_base64(ByteView bytes) {
    constexpr int variant = sodium_base64_VARIANT_ORIGINAL;
    const auto place = room(sodium_base64_ENCODED_LEN(bytes.size(), variant));  // with a NUL
    sodium_bin2base64(place.data(), place.size(), bytes.data(), bytes.size(), variant);
    added(place.size() - 1);
    return *this;
  }
  /// Decimal.
  SecretText& append(std::integral auto number) {
    constexpr std::size_t max_digits = 20;
    const auto place = room(max_digits);
    added(static_cast<std::size_t>(std::to_chars(place.data(), place.data() + max_digits, number).ptr - place.data()));
    return *this;
  }

  /// Removes `length` characters at the front.
  void drop_front(std::size_t length) {
    sodium_memzero(chars_.get() + begin_, length);
    begin_ += length;
    if (empty()) begin_ = end_ = 0;
  }
  void clear() { drop_front(size()); }

 private:
  static constexpr std::size_t min_capacity = 4096;

  void wipe() {
    if (chars_) sodium_memzero(chars_.get(), capacity_);
  }
  /// ... and makes space for `length` more.
  void move_to_front(std::size_t length) {
    SecretText moved;
    moved.end_ = size();
    moved.capacity_ = std::max({min_capacity, size() + length, size() < length ? 0 : 2 * size()});
    moved.chars_ = std::make_unique_for_overwrite<char[]>(moved.capacity_);  // NOLINT(modernize-avoid-c-arrays)
    std::ranges::copy(view(), moved.chars_.get());
    *this = std::move(moved);
  }

  std::unique_ptr<char[]> chars_;  // NOLINT(modernize-avoid-c-arrays): a vector would be filled first
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace wg4
