#pragma once
// The part of HTTP/1.1 (RFC 9112) that programs which scrape metrics use: one request without a body per connection.
// Anybody who reaches the address may connect, so everything has a limit, and every irregular request is refused.

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

/// How a request is to be answered.
struct Verdict {
  Status status = Status::ok;
  bool wants_body = true;  ///< false for HEAD
  friend bool operator==(const Verdict&, const Verdict&) = default;
};

/// Which names a request may give for the server. The name of a web page's own server can be made to lead to this
/// machine (DNS rebinding); the page could then read what only this machine may read. It cannot do that under an
/// address.
enum class Hosts : std::uint8_t {
  any,
  numbers,  ///< numeric addresses, and localhost
};

/// `received` is everything so far. Nothing while the request is not complete; bytes behind it are ignored.
[[nodiscard]] std::optional<Verdict> judge_request(std::string_view received, Hosts hosts = Hosts::any);

/// The status line, the headers and the empty line behind them. The connection is closed after the response.
[[nodiscard]] std::string response_head(Status status, std::size_t body_size);

/// A body for people: what was wrong, or where the metrics are. There is none for Status::ok.
[[nodiscard]] std::string_view explanation(Status status);

}  // namespace wg4::metrics
