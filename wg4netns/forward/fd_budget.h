#pragma once

#include <cstddef>
#include <optional>
#include <utility>

namespace wg4::forward {

/// How many descriptors forwarding may have open, so that the rest of the program never lacks one. Forwarding asks here
/// first, and waits, evicts or does without when the answer is no.
class FdBudget {
 public:
  /// A part of the budget, given back by its end. The budget must outlive it.
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
    friend class FdBudget;
    Lease(FdBudget* budget, std::size_t count) : budget_(budget), count_(count) {}

    FdBudget* budget_;
    std::size_t count_;
  };

  explicit FdBudget(std::size_t limit) : limit_(limit) {}
  FdBudget(const FdBudget&) = delete;
  FdBudget& operator=(const FdBudget&) = delete;
  ~FdBudget() = default;

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

}  // namespace wg4::forward
