#pragma once
// Threads that read one socket in turn may open their packets at the same time, but pass them on in the order in which
// they read, so that no flow is reordered.

#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>

namespace wg4 {

class ReadOrder {
 public:
  /// A place in the order. Its destructor waits until all places before it are done, and lets the next one go on.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept : order_(std::exchange(other.order_, nullptr)), number_(other.number_) {}
    Place& operator=(Place&&) = delete;
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() {
      if (order_ == nullptr) return;
      wait();
      order_->served_.store(number_ + 1, std::memory_order_release);
      order_->served_.notify_all();
    }
    /// Waits until all threads with an earlier place have passed on their packets.
    void wait() const {
      if (order_ == nullptr) return;
      for (auto served = order_->served_.load(std::memory_order_acquire); served != number_;
           served = order_->served_.load(std::memory_order_acquire))
        order_->served_.wait(served, std::memory_order_acquire);
    }

   private:
    friend class ReadOrder;
    Place(ReadOrder& order, std::uint64_t number) : order_(&order), number_(number) {}

    ReadOrder* order_ = nullptr;
    std::uint64_t number_ = 0;
  };

  /// Calls `read` while no other thread does, and gives the next place if it returned true. Without an order there is
  /// one thread, and nothing to wait for.
  template <class Read>
  [[nodiscard]] static Place take_place(ReadOrder* order, Read&& read) {
    if (order == nullptr) {
      read();
      return {};
    }
    const std::scoped_lock lock(order->reading_);
    return read() ? Place(*order, order->next_++) : Place();
  }

 private:
  std::mutex reading_;
  std::uint64_t next_ = 0;
  std::atomic<std::uint64_t> served_ = 0;
};

}  // namespace wg4
