#include <doctest/doctest.h>

#include <cstddef>
#include <optional>
#include <string>

#include "wg4netns/metrics/http_request.h"

namespace wg4::metrics {
namespace {

constexpr Verdict fine{.status = Status::ok, .wants_body = true};

std::optional<Verdict> judge(const std::string& line, const std::string& headers = "Host: x\r\n") {
  return judge_request(line + "\r\n" + headers + "\r\n");
}

Status status_of(const std::string& line, const std::string& headers = "Host: x\r\n") {
  const auto verdict = judge(line, headers);
  REQUIRE(verdict.has_value());
  return verdict->status;
}

TEST_CASE("a scrape as Prometheus sends it") {
  CHECK(judge("GET /metrics HTTP/1.1",
              "Host: 127.0.0.1:9586\r\nUser-Agent: Prometheus/2.42.0\r\nAccept: text/plain;version=0.0.4;q=0.5\r\n"
              "Accept-Encoding: gzip\r\nX-Prometheus-Scrape-Timeout-Seconds: 10\r\n") == fine);
}

TEST_CASE("other forms of the same request") {
  CHECK(judge("GET /metrics HTTP/1.0", "") == fine);
  CHECK(judge("GET /metrics?debug=1&x HTTP/1.1") == fine);
  CHECK(judge("GET http://tunnel:9586/metrics HTTP/1.1") == fine);
  CHECK(judge_request("GET /metrics HTTP/1.1\nHost: x\n\n") == fine);
  CHECK(judge_request("\r\nGET /metrics HTTP/1.1\r\n\r\n") == fine);
  CHECK(judge_request("GET /metrics HTTP/1.1\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n") == fine);
  CHECK(judge("HEAD /metrics HTTP/1.1") == Verdict{Status::ok, false});
}

TEST_CASE("a request is complete at its empty line, and not before") {
  const std::string whole = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(judge_request(whole.substr(0, size)).has_value());
  }
  CHECK(judge_request(whole) == fine);
}

TEST_CASE("other paths and methods") {
  CHECK(status_of("GET / HTTP/1.1") == Status::not_found);
  CHECK(status_of("GET /metrics/ HTTP/1.1") == Status::not_found);
  CHECK(status_of("GET /metricsX HTTP/1.1") == Status::not_found);
  CHECK(judge("HEAD /x HTTP/1.1") == Verdict{Status::not_found, false});
  for (const std::string method : {"POST", "PUT", "DELETE", "OPTIONS", "get"})
    CHECK(status_of(method + " /metrics HTTP/1.1") == Status::method_not_allowed);
}

TEST_CASE("text that is not a request") {
  for (const std::string line :
       {"GET", "GET /metrics", "GET  HTTP/1.1", " /metrics HTTP/1.1", "GET metrics HTTP/1.1", "GET /metrics HTTP/11",
        "GET /metrics HTTPS/1.1", "GET /metrics http/1.1", "GET /met rics HTTP/1.1", "GET /\x01 HTTP/1.1",
        "G\"T / HTTP/1.1", "GET https://host/metrics HTTP/1.1", "GET http://host HTTP/1.1", "\x16\x03\x01"}) {
    CAPTURE(line);
    CHECK(status_of(line) == Status::bad_request);
  }
  CHECK(status_of("GET /metrics HTTP/2.0") == Status::version_not_supported);
}

TEST_CASE("malformed headers") {
  for (const std::string header :
       {"Host\r\n", ": x\r\n", "Ho st: x\r\n", " Host: x\r\n", "Host : x\r\n", "Host: a\rb\r\n"}) {
    CAPTURE(header);
    CHECK(status_of("GET /metrics HTTP/1.1", header) == Status::bad_request);
  }
  CHECK(status_of("GET /metrics HTTP/1.1", std::string("Host: \0\r\n", 9)) == Status::bad_request);
}

TEST_CASE("two Host headers are refused") {
  CHECK(status_of("GET /metrics HTTP/1.1", "Host: 127.0.0.1\r\nhost: 127.0.0.1\r\n") == Status::bad_request);
}

TEST_CASE("a request for a name that others could make lead here is refused") {
  const auto judge_host = [](const std::string& host, Hosts hosts) {
    return judge_request("GET /metrics HTTP/1.1\r\nAccept: */*\r\nhOST:" + host + "\r\n\r\n", hosts)->status;
  };
  for (const std::string host : {"127.0.0.1", " 127.0.0.1:9586", "127.0.0.2", " 192.0.2.1:80", "[::1]", "[::1]:9586",
                                 "[fd00::1]:1", "localhost", "LocalHost:9586 ", "\tlocalhost:", "0.0.0.0"}) {
    CAPTURE(host);
    CHECK(judge_host(host, Hosts::numbers) == Status::ok);
  }
  for (const std::string host :
       {"evil.example", "evil.example:9586", "localhost.evil.example", "127.0.0.1.evil.example", "x", "", ":9586",
        "localhost:x", "127.1", "127.0.0.1:80:80", "[127.0.0.1]", "::1", "[::1", "[::1].evil.example", "2130706433",
        "localhost evil.example", "evil.example localhost", "[]"}) {
    CAPTURE(host);
    CHECK(judge_host(host, Hosts::numbers) == Status::misdirected);
    CHECK(judge_host(host, Hosts::any) == Status::ok);
  }
  const auto status = [](const std::string& request) { return judge_request(request, Hosts::numbers)->status; };
  CHECK(status("GET /metrics HTTP/1.0\r\n\r\n") == Status::ok);  // no browser asks like that
  CHECK(status("GET http://evil/metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") == Status::misdirected);
  CHECK(status("GET http://127.0.0.1:1/metrics HTTP/1.1\r\nHost: proxy.example\r\n\r\n") == Status::ok);
  CHECK(judge_request("HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n", Hosts::numbers) ==
        Verdict{Status::misdirected, false});
  CHECK(response_head(Status::misdirected, 0).starts_with("HTTP/1.1 421 Misdirected Request\r\n"));
}

TEST_CASE("an endless request is refused") {
  const std::string front = "GET /metrics HTTP/1.1\r\n";
  CHECK_FALSE(judge_request(front + std::string(max_request - front.size(), 'x')).has_value());
  CHECK(judge_request(front + std::string(max_request, 'x')) == Verdict{Status::too_large});
  CHECK(judge_request(std::string(max_request + 1, '\0')) == Verdict{Status::too_large});
  const std::string long_one = front + "X: " + std::string(max_request - front.size() - 7, 'x') + "\r\n\r\n";
  REQUIRE(long_one.size() == max_request);
  CHECK(judge_request(long_one) == fine);
}

TEST_CASE("heads of responses") {
  CHECK(response_head(Status::ok, 12) ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: 12\r\n"
        "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n");
  CHECK(response_head(Status::method_not_allowed, 0)
            .starts_with("HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\n"));
}

}  // namespace
}  // namespace wg4::metrics
