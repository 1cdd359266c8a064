#include "wg4netns/metrics/http_request.h"

#include <algorithm>

#include "shared/net/ip_address.h"

namespace wg4::metrics {
namespace {

constexpr std::string_view path_of_metrics = "/metrics";

/// Takes the next line off the front, without the CR LF or LF that ends it (RFC 9112 2.2). Nothing when there is no
/// whole line.
std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

/// A character of a token (RFC 9110 5.6.2): of methods and of names of headers.
bool is_token(char c) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || marks.contains(c);
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return is_token(c); });
}

bool is_graphic(char c) { return c > ' ' && c <= '~'; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Is this "name: value"? A line that continues the one before is no longer allowed.
bool is_header(std::string_view line) {
  const std::size_t colon = line.find(':');
  return colon != std::string_view::npos && is_token(line.substr(0, colon)) && !line.contains('\0') &&
         !line.contains('\r');
}

bool is_version(std::string_view text) {
  constexpr std::string_view form = "HTTP/";
  return text.size() == form.size() + 3 && text.starts_with(form) && is_digit(text[5]) && text[6] == '.' &&
         is_digit(text[7]);
}

bool is_equal(std::string_view text, std::string_view lower) {
  const auto to_lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(text, lower, {}, to_lower);
}

/// Is this "localhost", "127.0.0.1" or "[::1]", with a port or without?
bool is_number_or_localhost(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  const bool has_port = colon != std::string_view::npos && std::ranges::all_of(host.substr(colon + 1), is_digit);
  if (has_port) host = host.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    const auto address = IpAddress::parse(host.substr(1, host.size() - 2));
    return address && !address->is_v4();
  }
  const auto address = IpAddress::parse(host);
  return is_equal(host, "localhost") || (address && address->is_v4());
}

/// The value of a Host header; nothing for another header.
std::optional<std::string_view> host_in(std::string_view header) {
  constexpr std::string_view blanks = " \t";
  const std::size_t colon = header.find(':');
  if (!is_equal(header.substr(0, colon), "host")) return std::nullopt;
  std::string_view value = header.substr(colon + 1);
  value.remove_prefix(std::min(value.find_first_not_of(blanks), value.size()));
  return value.substr(0, value.find_last_not_of(blanks) + 1);
}

/// "/metrics?x=y" of itself, or of "http://host/metrics?x=y", the form for proxies: `host` becomes the host in it,
/// which replaces the header (RFC 9112 3.2.2).
std::string_view take_host(std::string_view target, std::optional<std::string_view>& host) {
  constexpr std::string_view scheme = "http://";
  if (!target.starts_with(scheme)) return target;
  target.remove_prefix(scheme.size());
  host = target.substr(0, target.find('/'));
  return target.substr(host->size());
}

/// "/metrics" of "/metrics?x=y". Empty for an invalid target.
std::string_view path_of(std::string_view target) {
  if (!target.starts_with('/') || !std::ranges::all_of(target, is_graphic)) return {};
  return target.substr(0, target.find('?'));
}

/// "GET /metrics HTTP/1.1"
Verdict judge_line(std::string_view line, std::optional<std::string_view> host, Hosts hosts) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return {Status::bad_request};
  const std::string_view method = line.substr(0, first);
  const std::string_view version = line.substr(last + 1);
  const std::string_view path = path_of(take_host(line.substr(first + 1, last - first - 1), host));
  if (!is_token(method) || !is_version(version) || path.empty()) return {Status::bad_request};
  if (version[5] != '1') return {Status::version_not_supported};
  const bool wants_body = method != "HEAD";
  if (hosts == Hosts::numbers && host && !is_number_or_localhost(*host)) return {Status::misdirected, wants_body};
  if (path != path_of_metrics) return {Status::not_found, wants_body};
  if (wants_body && method != "GET") return {Status::method_not_allowed};
  return {Status::ok, wants_body};
}

std::string_view phrase(Status status) {
  switch (status) {
    case Status::ok:
      return "OK";
    case Status::bad_request:
      return "Bad Request";
    case Status::not_found:
      return "Not Found";
    case Status::method_not_allowed:
      return "Method Not Allowed";
    case Status::misdirected:
      return "Misdirected Request";
    case Status::too_large:
      return "Request Header Fields Too Large";
    case Status::version_not_supported:
      return "HTTP Version Not Supported";
  }
  return "";
}

}  // namespace

std::optional<Verdict> judge_request(std::string_view received, Hosts hosts) {
  const bool too_long = received.size() > max_request;
  std::string_view rest = received.substr(0, max_request);
  auto line = take_line(rest);
  if (line && line->empty()) line = take_line(rest);  // RFC 9112 2.2: one empty line in front is ignored
  const std::optional<std::string_view> request = line;
  bool sound = true;
  std::optional<std::string_view> host;
  while (line && !line->empty()) {
    line = take_line(rest);
    if (!line || line->empty()) continue;
    const auto here = host_in(*line);
    sound = sound && is_header(*line) && !(host && here);
    if (here) host = here;
  }
  if (!line) return too_long ? std::optional(Verdict{Status::too_large}) : std::nullopt;
  if (request->empty() || !sound) return Verdict{Status::bad_request};
  return judge_line(*request, host, hosts);
}

std::string response_head(Status status, std::size_t body_size) {
  std::string head = "HTTP/1.1 " + std::to_string(static_cast<unsigned>(status)) + " ";
  head.append(phrase(status)).append("\r\n");
  if (status == Status::method_not_allowed) head += "Allow: GET, HEAD\r\n";
  head += "Content-Type: text/plain; ";
  if (status == Status::ok) head += "version=0.0.4; ";
  head += "charset=utf-8\r\nContent-Length: " + std::to_string(body_size) + "\r\n";
  return head + "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n";
}

std::string_view explanation(Status status) {
  switch (status) {
    case Status::ok:
      return "";
    case Status::bad_request:
      return "This is no HTTP request.\n";
    case Status::not_found:
      return "Metrics are at /metrics.\n";
    case Status::method_not_allowed:
      return "Only GET and HEAD.\n";
    case Status::misdirected:
      return "These metrics are for this machine alone: ask by address (127.0.0.1) or as localhost, by no other "
             "name.\n";
    case Status::too_large:
      return "The request is too long.\n";
    case Status::version_not_supported:
      return "Only HTTP/1.0 and HTTP/1.1.\n";
  }
  return "";
}

}  // namespace wg4::metrics
