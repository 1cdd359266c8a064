#pragma once

#include <cstddef>
#include <optional>
#include <utility>

namespace wg4::forward {

/// Limits how much of a resource forwarding may use, so that the rest of the program never runs out of it. When take()
/// fails, the caller waits, evicts something, or does without.
class Budget {
 public:
  /// A part of the budget, given back by the destructor. The budget must outlive it.
  class Lease {
   public:
    Lease(Lease&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)), count_(std::exchange(other.count_, 0)) {}
    Lease& operator=(Lease&& other) noexcept {
      std::swap(budget_, other.budget_);
      std::swap(count_, other.count_);
      return *this;
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() {
      if (budget_ != nullptr) budget_->used_ -= count_;
    }

   private:
    friend class Budget;
    Lease(Budget* budget, std::size_t count) : budget_(budget), count_(count) {}

    Budget* budget_;
    std::size_t count_;
  };

  explicit Budget(std::size_t limit) : limit_(limit) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;
  ~Budget() = default;

  [[nodiscard]] std::optional<Lease> take(std::size_t count) {
    if (count > limit_ - used_) return std::nullopt;
    used_ += count;
    return Lease(this, count);
  }
  [[nodiscard]] std::size_t limit() const { return limit_; }

 private:
  std::size_t limit_;
  std::size_t used_ = 0;
};

using FdBudget = Budget;    ///< of open descriptors
using ByteBudget = Budget;  ///< of memory for what unknown clients send

}  // namespace wg4::forward
