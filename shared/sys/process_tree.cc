#include "shared/sys/process_tree.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>

#include "shared/base/unique_fd.h"

namespace wg4 {

std::optional<pid_t> parent_of(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 512> buffer{};
  const ssize_t size = file.valid() ? read(file.get(), buffer.data(), buffer.size()) : -1;
  if (size <= 0) return std::nullopt;
  const std::string_view text(buffer.data(), static_cast<std::size_t>(size));
  // "PID (NAME) STATE PARENT ...": the name may have spaces and parentheses of its own.
  constexpr std::string_view state = ") S ";
  const std::size_t name_end = text.rfind(") ");
  if (name_end == std::string_view::npos || name_end + state.size() > text.size()) return std::nullopt;
  pid_t parent = 0;
  const char* const end = text.data() + text.size();
  if (std::from_chars(text.data() + name_end + state.size(), end, parent).ec != std::errc{}) return std::nullopt;
  return parent;
}

bool descends_from(pid_t pid, pid_t ancestor) {
  std::optional<pid_t> at = pid;
  while (at && *at > 0 && *at != ancestor) at = parent_of(*at);
  return at == ancestor;
}

bool is_job_of_shell() {
  const pid_t parent = getppid();
  return getsid(parent) == getsid(0) && getpgid(parent) != getpgrp();
}

bool group_is_orphaned() {
  std::optional<pid_t> at = getppid();
  while (at && *at > 0 && getsid(*at) == getsid(0)) {
    if (getpgid(*at) != getpgrp()) return false;
    at = parent_of(*at);
  }
  return true;
}

}  // namespace wg4
