#include "netns-helper/container/words/values.h"

#include <fcntl.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <limits>
#include <system_error>

#include "shared/base/escaped_text.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/deadline.h"
#include "shared/sys/read_all.h"

namespace wg4::container {
namespace {

/// Nothing but digits of that base.
bool parse_digits(const std::string& text, int base, std::uint64_t& value) {
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value, base);
  return parsed.ec == std::errc() && parsed.ptr == end;
}

}  // namespace

std::string option(std::string_view word) { return "--" + std::string(word); }

Result<std::uint64_t> parse_number(std::string_view word, const std::string& text, std::uint64_t least,
                                   std::uint64_t most) {
  std::uint64_t value = 0;
  if (!parse_digits(text, 10, value) || value < least || value > most)
    return fail(option(word) + " " + printable(text) + ": it is not a number from " + std::to_string(least) + " to " +
                std::to_string(most));
  return value;
}

Result<int> parse_fd(std::string_view word, const std::string& text) {
  const int fd = static_cast<int>(TRY(parse_number(word, text, 0, std::numeric_limits<int>::max())));
  if (fcntl(fd, F_GETFD) < 0) return fail(option(word) + " " + text + ", a descriptor", errno);
  return fd;
}

Result<mode_t> parse_mode(std::string_view word, const std::string& text) {
  std::uint64_t value = 0;
  if (!parse_digits(text, 8, value) || value > 07777)
    return fail(option(word) + " " + printable(text) + ": it is not a mode in octal digits, such as 0755");
  return static_cast<mode_t>(value);
}

Result<std::string> read_fd(std::string_view word, const std::string& text, std::size_t limit) {
  const UniqueFd fd(TRY(parse_fd(word, text)));
  return read_all(fd.get(), option(word) + " " + text, limit, Deadline::max());
}

std::string host_path(const std::string& path) {
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::absolute(path, error);
  return error ? path : whole.string();
}

std::string inner_path(const std::string& path) { return path.starts_with('/') ? path : "/" + path; }

}  // namespace wg4::container
