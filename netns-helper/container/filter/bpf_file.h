#pragma once
// A filter that is a program already: the bytes that seccomp_export_bpf(3) writes, and bwrap's --seccomp reads. Pure.

#include <linux/filter.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "shared/base/result.h"
#include "shared/sys/syscall_filter.h"

namespace wg4::container::filter {

inline constexpr std::size_t max_instructions = BPF_MAXINSNS;  // of one program, in the kernel

/// Would the kernel take it? Instructions that it knows, jumps that end in the program, loads within the call's data,
/// and an end that returns.
[[nodiscard]] Result<void> check_program(std::span<const sock_filter> program);

/// Errors begin with `name`.
[[nodiscard]] Result<FilterProgram> parse_bpf(std::string_view bytes, const std::string& name);

}  // namespace wg4::container::filter
