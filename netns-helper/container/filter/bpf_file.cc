// What the kernel checks when it takes a program: bpf_check_classic() in net/core/filter.c, and seccomp_check_filter()
// in kernel/seccomp.c, which allows few instructions. Of the kernel's own checks one is left to it: that no memory word
// is read before it was written.

#include "netns-helper/container/filter/bpf_file.h"

#include <linux/seccomp.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

namespace wg4::container::filter {
namespace {

constexpr std::uint32_t word_bits = 32;

/// The instruction at `index`; `after` is the number of instructions that follow it. Empty if it is fine.
std::string fault_of(const sock_filter& instruction, std::size_t after) {
  switch (instruction.code) {
    case BPF_LD | BPF_W | BPF_ABS:
      if (instruction.k % sizeof(std::uint32_t) == 0 && instruction.k < sizeof(seccomp_data)) return {};
      return "loads from beyond a call's data";
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
    case BPF_ST:
    case BPF_STX:
      return instruction.k < BPF_MEMWORDS ? "" : "uses a memory word that there is not";
    case BPF_JMP | BPF_JA:
      return instruction.k < after ? "" : "jumps beyond the end";
    case BPF_JMP | BPF_JEQ | BPF_K:
    case BPF_JMP | BPF_JEQ | BPF_X:
    case BPF_JMP | BPF_JGE | BPF_K:
    case BPF_JMP | BPF_JGE | BPF_X:
    case BPF_JMP | BPF_JGT | BPF_K:
    case BPF_JMP | BPF_JGT | BPF_X:
    case BPF_JMP | BPF_JSET | BPF_K:
    case BPF_JMP | BPF_JSET | BPF_X:
      return instruction.jt < after && instruction.jf < after ? "" : "jumps beyond the end";
    case BPF_ALU | BPF_DIV | BPF_K:
      return instruction.k != 0 ? "" : "divides by zero";
    case BPF_ALU | BPF_LSH | BPF_K:
    case BPF_ALU | BPF_RSH | BPF_K:
      return instruction.k < word_bits ? "" : "shifts by more than a word";
    case BPF_RET | BPF_K:
    case BPF_RET | BPF_A:
    case BPF_LD | BPF_W | BPF_LEN:
    case BPF_LDX | BPF_W | BPF_LEN:
    case BPF_LD | BPF_IMM:
    case BPF_LDX | BPF_IMM:
    case BPF_MISC | BPF_TAX:
    case BPF_MISC | BPF_TXA:
    case BPF_ALU | BPF_ADD:  // with BPF_K, which is 0 as well
    case BPF_ALU | BPF_ADD | BPF_X:
    case BPF_ALU | BPF_SUB | BPF_K:
    case BPF_ALU | BPF_SUB | BPF_X:
    case BPF_ALU | BPF_MUL | BPF_K:
    case BPF_ALU | BPF_MUL | BPF_X:
    case BPF_ALU | BPF_DIV | BPF_X:
    case BPF_ALU | BPF_AND | BPF_K:
    case BPF_ALU | BPF_AND | BPF_X:
    case BPF_ALU | BPF_OR | BPF_K:
    case BPF_ALU | BPF_OR | BPF_X:
    case BPF_ALU | BPF_XOR | BPF_K:
    case BPF_ALU | BPF_XOR | BPF_X:
    case BPF_ALU | BPF_LSH | BPF_X:
    case BPF_ALU | BPF_RSH | BPF_X:
    case BPF_ALU | BPF_NEG:
      return {};
    default:
      return "is none that a filter of system calls may have";
  }
}

}  // namespace

Result<void> check_program(std::span<const sock_filter> program) {
  if (program.empty()) return fail("the program is empty");
  if (program.size() > max_instructions)
    return fail("the program has " + std::to_string(program.size()) + " instructions: the kernel takes " +
                std::to_string(max_instructions));
  for (std::size_t i = 0; i < program.size(); ++i)
    if (const std::string fault = fault_of(program[i], program.size() - i - 1); !fault.empty())
      return fail("instruction " + std::to_string(i) + " of the program " + fault);
  if (BPF_CLASS(program.back().code) != BPF_RET) return fail("the program does not end by returning a result");
  return {};
}

Result<FilterProgram> parse_bpf(std::string_view bytes, const std::string& name) {
  constexpr const char* what_it_is = "A filter's file has a program of classic BPF, as seccomp_export_bpf(3) writes it";
  if (bytes.empty() || bytes.size() % sizeof(sock_filter) != 0)
    return fail(name + " is not a filter: " + std::to_string(bytes.size()) +
                    " bytes are no number of instructions of " + std::to_string(sizeof(sock_filter)),
                0, what_it_is);
  FilterProgram program(bytes.size() / sizeof(sock_filter));
  std::memcpy(program.data(), bytes.data(), bytes.size());
  if (auto checked = check_program(program); !checked) {
    checked.error().hint = what_it_is;
    return fail_in(name + " is not a filter", checked.error());
  }
  return program;
}

}  // namespace wg4::container::filter
