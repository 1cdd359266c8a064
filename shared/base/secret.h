#pragma once
// Key material. It is moved, never copied by accident, compared in constant time, and wiped by the destructor.
// Its owner chooses the memory for it (locked, not dumped, not inherited): see shared/sys/secret_memory.h.

#include <sodium/crypto_verify_32.h>
#include <sodium/utils.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace wg4 {

template <std::size_t N>
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::span<const std::uint8_t, N> from) { assign(from); }
  Secret(Secret&& other) noexcept : bytes_(other.bytes_) { other.wipe(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      other.wipe();
    }
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe(); }

  /// An explicit copy.
  [[nodiscard]] Secret clone() const { return Secret(std::span<const std::uint8_t, N>(bytes_)); }
  void assign(std::span<const std::uint8_t, N> from) {
    for (std::size_t i = 0; i < N; ++i) bytes_[i] = from[i];
  }
  void wipe() { sodium_memzero(bytes_.data(), N); }

  [[nodiscard]] std::span<std::uint8_t, N> span() { return bytes_; }
  [[nodiscard]] std::span<const std::uint8_t, N> span() const { return bytes_; }
  [[nodiscard]] std::uint8_t* data() { return bytes_.data(); }
  [[nodiscard]] const std::uint8_t* data() const { return bytes_.data(); }
  static constexpr std::size_t size() { return N; }

  /// Constant time.
  [[nodiscard]] bool equals(const Secret& other) const { return sodium_memcmp(data(), other.data(), N) == 0; }
  /// Constant time.
  [[nodiscard]] bool is_zero() const { return sodium_is_zero(data(), N) == 1; }

 private:
  std::array<std::uint8_t, N> bytes_{};
};

}  // namespace wg4
