#pragma once
// As much of HTTP/1.1 (RFC 9112) as those who scrape metrics speak: a request without a body, one on each connection.
// The other end may be anybody who reaches the address, so that everything has a limit and whatever is odd is refused.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wg4::metrics {

/// The longest request, with the empty line at its end, in bytes. Prometheus sends some 300.
inline constexpr std::size_t max_request = 8192;

/// Status codes of RFC 9110.
enum class Status : std::uint16_t {
  ok = 200,
  bad_request = 400,
  not_found = 404,
  method_not_allowed = 405,
  misdirected = 421,
  too_large = 431,
  version_not_supported = 505,
};

/// What a request comes to.
struct Verdict {
  Status status = Status::ok;
  bool wants_body = true;  ///< false for HEAD
  friend bool operator==(const Verdict&, const Verdict&) = default;
};

/// By which names the server may be called. A web page can have its own name lead to this machine (DNS rebinding), and
/// then read what only this machine was to read; it cannot make its name a number.
enum class Hosts : std::uint8_t {
  any,
  numbers,  ///< addresses as numbers, and localhost
};

/// Looks at all that was received. Nothing while the request is not whole; what follows it is passed over.
[[nodiscard]] std::optional<Verdict> judge_request(std::string_view received, Hosts hosts = Hosts::any);

/// The status line and the headers, with the empty line behind them. The connection ends with the response.
[[nodiscard]] std::string response_head(Status status, std::size_t body_size);

/// A body for a person: what was wrong, or where the metrics are. Of Status::ok there is none.
[[nodiscard]] std::string_view explanation(Status status);

}  // namespace wg4::metrics
