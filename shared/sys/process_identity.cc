#include "shared/sys/process_identity.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <system_error>

#include "shared/base/unique_fd.h"
#include "shared/sys/deadline.h"
#include "shared/sys/read_all.h"

namespace wg4 {
namespace {

constexpr std::size_t max_stat_size = 4096;
constexpr std::chrono::seconds patience{1};
constexpr int fields_from_state_to_start = 19;

template <class Number>
bool parse_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty() && (text == "0" || text[0] != '0');
}

/// Where a container has the /proc of its host, /proc/PID is another process.
Result<void> expect_own_proc() {
  std::array<char, 16> link{};
  const ssize_t size = readlink("/proc/self", link.data(), link.size());
  if (size < 0) return fail("read /proc/self", errno);
  pid_t self = 0;
  if (!parse_number(std::string_view(link.data(), static_cast<std::size_t>(size)), self) || self != getpid())
    return fail("/proc shows the processes of another PID namespace");
  return {};
}

Result<ino_t> own_pid_namespace() {
  struct stat info{};
  if (stat("/proc/self/ns/pid", &info) != 0) return fail("look at /proc/self/ns/pid", errno);
  return info.st_ino;
}

Result<std::uint64_t> start_of(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return fail("open " + path, errno);
  const std::string text = TRY(read_all(file.get(), path, max_stat_size, deadline_in(patience)));
  // The name, in parentheses, may have spaces and parentheses of its own.
  std::size_t at = text.rfind(") ");
  if (at == std::string::npos) return fail("understand " + path);
  at += 2;
  if (text[at] == 'Z' || text[at] == 'X') return fail("process " + std::to_string(pid), ESRCH);
  for (int i = 0; i < fields_from_state_to_start && at != std::string::npos; ++i) at = text.find(' ', at + 1);
  std::uint64_t start = 0;
  if (at == std::string::npos ||
      !parse_number(std::string_view(text).substr(at + 1, text.find(' ', at + 1) - at - 1), start))
    return fail("understand " + path);
  return start;
}

}  // namespace

Result<ProcessIdentity> ProcessIdentity::of(pid_t pid) {
  TRY(expect_own_proc());
  return ProcessIdentity{.pid_namespace = TRY(own_pid_namespace()), .pid = pid, .start = TRY(start_of(pid))};
}

std::string ProcessIdentity::to_string() const {
  return std::to_string(pid_namespace) + "." + std::to_string(pid) + "." + std::to_string(start);
}

std::optional<ProcessIdentity> ProcessIdentity::parse(std::string_view text) {
  ProcessIdentity identity;
  const std::size_t first = text.find('.');
  const std::size_t second = first == std::string_view::npos ? first : text.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const bool all = parse_number(text.substr(0, first), identity.pid_namespace) &&
                   parse_number(text.substr(first + 1, second - first - 1), identity.pid) &&
                   parse_number(text.substr(second + 1), identity.start);
  return all && identity.pid > 0 ? std::optional(identity) : std::nullopt;
}

bool ProcessIdentity::has_ended() const {
  const auto here = own_pid_namespace();
  if (!here || *here != pid_namespace) return false;
  if (kill(pid, 0) != 0 && errno == ESRCH) return true;
  const auto now = of(pid);
  if (now) return *now != *this;
  return now.error().number == ESRCH;  // a zombie
}

}  // namespace wg4
