#pragma once
// Errors are values: what was tried, why the system refused it, and what the user can do next.

#include <cstring>
#include <expected>
#include <string>
#include <utility>

namespace wg4 {

/// Why an operation failed. Printed as one sentence: "what: strerror(number). hint".
struct Error {
  std::string what;  ///< what was tried, naming the thing: "open /dev/net/tun"
  int number = 0;    ///< errno, or 0 if no system call failed
  std::string hint;  ///< the next step for the user; may be empty

  /// The sentence that the user reads.
  [[nodiscard]] std::string message() const {
    std::string text = what;
    if (number != 0) text.append(": ").append(std::strerror(number));
    if (!hint.empty()) text.append(". ").append(hint);
    return text;
  }
};

template <class T>
using Result = std::expected<T, Error>;

/// `return fail("open " + path, errno, "chmod it");`
[[nodiscard]] inline std::unexpected<Error> fail(std::string what, int number = 0, std::string hint = {}) {
  return std::unexpected<Error>(Error{std::move(what), number, std::move(hint)});
}

/// Adds context in front; once, and only if it helps the user: "peer 3: no PublicKey".
[[nodiscard]] inline std::unexpected<Error> fail_in(const std::string& context, Error error) {
  error.what = context + ": " + error.what;
  return std::unexpected<Error>(std::move(error));
}

}  // namespace wg4

/// The value of a Result, or an early return of its error: `auto fd = TRY(open_tun(name));`
#define TRY(expression)                                                                   \
  __extension__({                                                                         \
    auto try_result = (expression);                                                       \
    if (!try_result) return std::unexpected<::wg4::Error>(std::move(try_result).error()); \
    *std::move(try_result);                                                               \
  })
