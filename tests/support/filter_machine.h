#pragma once
// What the kernel does with a filter of system calls, as a function: the program is run over a call that nobody makes,
// of any architecture.

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

namespace wg4::test {

/// A call as a filter sees it.
struct SeenCall {
  std::uint32_t architecture = 0;
  int number = 0;
  std::array<std::uint64_t, 6> arguments{};
};

class FilterMachine {
 public:
  FilterMachine(std::span<const sock_filter> program, const SeenCall& call) : program_(program) {
    data_.arch = call.architecture;
    data_.nr = call.number;
    for (std::size_t i = 0; i < call.arguments.size(); ++i) data_.args[i] = call.arguments[i];
  }

  /// The action. A program that check_program() takes ends by itself: it only jumps forward.
  [[nodiscard]] std::uint32_t run() {
    for (std::size_t at = 0;; ++at) {
      if (at >= program_.size()) std::abort();
      const sock_filter& step = program_[at];
      switch (BPF_CLASS(step.code)) {
        case BPF_RET:
          return BPF_RVAL(step.code) == BPF_A ? a_ : step.k;
        case BPF_JMP:
          at += jump(step);
          break;
        default:
          compute(step);
      }
    }
  }

 private:
  [[nodiscard]] std::uint32_t source(const sock_filter& step) const {
    return BPF_SRC(step.code) == BPF_X ? x_ : step.k;
  }

  [[nodiscard]] std::uint32_t load(const sock_filter& step) const {
    std::uint32_t word = 0;
    switch (BPF_MODE(step.code)) {
      case BPF_IMM:
        return step.k;
      case BPF_LEN:
        return sizeof data_;
      case BPF_MEM:
        return memory_.at(step.k);
      default:
        if (step.k + sizeof word > sizeof data_) std::abort();
        std::memcpy(&word, reinterpret_cast<const std::byte*>(&data_) + step.k, sizeof word);
        return word;
    }
  }

  [[nodiscard]] std::uint32_t jump(const sock_filter& step) const {
    const std::uint32_t operand = source(step);
    switch (BPF_OP(step.code)) {
      case BPF_JA:
        return step.k;
      case BPF_JEQ:
        return a_ == operand ? step.jt : step.jf;
      case BPF_JGT:
        return a_ > operand ? step.jt : step.jf;
      case BPF_JGE:
        return a_ >= operand ? step.jt : step.jf;
      default:
        return (a_ & operand) != 0 ? step.jt : step.jf;
    }
  }

  void compute(const sock_filter& step) {
    switch (BPF_CLASS(step.code)) {
      case BPF_LD:
        a_ = load(step);
        break;
      case BPF_LDX:
        x_ = load(step);
        break;
      case BPF_ST:
        memory_.at(step.k) = a_;
        break;
      case BPF_STX:
        memory_.at(step.k) = x_;
        break;
      case BPF_MISC:
        (BPF_MISCOP(step.code) == BPF_TAX ? x_ : a_) = BPF_MISCOP(step.code) == BPF_TAX ? a_ : x_;
        break;
      default:
        a_ = calculated(BPF_OP(step.code), source(step));
    }
  }

  [[nodiscard]] std::uint32_t calculated(unsigned operation, std::uint32_t operand) const {
    constexpr std::uint32_t bits_of_a_shift = 31;
    switch (operation) {
      case BPF_ADD:
        return a_ + operand;
      case BPF_SUB:
        return a_ - operand;
      case BPF_MUL:
        return a_ * operand;
      case BPF_DIV:
        return operand == 0 ? 0 : a_ / operand;
      case BPF_AND:
        return a_ & operand;
      case BPF_OR:
        return a_ | operand;
      case BPF_XOR:
        return a_ ^ operand;
      case BPF_LSH:
        return a_ << (operand & bits_of_a_shift);
      case BPF_RSH:
        return a_ >> (operand & bits_of_a_shift);
      default:
        return -a_;
    }
  }

  std::span<const sock_filter> program_;
  seccomp_data data_{};
  std::uint32_t a_ = 0;
  std::uint32_t x_ = 0;
  std::array<std::uint32_t, BPF_MEMWORDS> memory_{};
};

inline std::uint32_t result_of(std::span<const sock_filter> program, const SeenCall& call) {
  return FilterMachine(program, call).run();
}

}  // namespace wg4::test
