#include "wg4netns/verify/dns_query.h"

#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "shared/base/unique_fd.h"
#include "shared/net/endpoint.h"
#include "shared/sys/deadline.h"
#include "shared/sys/sockaddr.h"

namespace wg4::verify {
namespace {

constexpr std::size_t max_servers = 8;
constexpr int rounds = 3;                     // of one query each
constexpr std::chrono::seconds per_round{2};  // a handshake that got lost is repeated after five
constexpr std::uint16_t dns_port = 53;

using Query = std::array<std::uint8_t, 17>;

/// RFC 1035: recursion desired, one question, ". IN NS".
Query make_query() {
  Query query{0, 0, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1};
  [[maybe_unused]] const ssize_t drawn = getrandom(query.data(), 2, 0);
  return query;
}

/// It has the query's id, and the bit of an answer is set.
bool is_answer(const Query& query, const std::uint8_t* bytes, ssize_t size) {
  constexpr ssize_t header = 12;
  constexpr std::uint8_t answer = 0x80;
  return size >= header && bytes[0] == query[0] && bytes[1] == query[1] && (bytes[2] & answer) != 0;
}

struct Asked {
  UniqueFd fd;
  Query query = make_query();
  Server server;

  explicit Asked(const IpAddress& address) : server{address, false} {
    SocketAddress to(Endpoint{address, dns_port});
    fd = UniqueFd(socket(address.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (fd.valid() && connect(fd.get(), to.get(), to.length) != 0) fd.reset();
  }
  void ask() const {
    if (fd.valid() && !server.answered) send(fd.get(), query.data(), query.size(), MSG_NOSIGNAL);
  }
  void hear() {
    std::array<std::uint8_t, 1500> bytes{};
    const ssize_t size = recv(fd.get(), bytes.data(), bytes.size(), 0);
    server.answered = server.answered || is_answer(query, bytes.data(), size);
  }
};

bool all_answered(const std::vector<Asked>& all) {
  return std::ranges::all_of(all, [](const Asked& each) { return each.server.answered || !each.fd.valid(); });
}

void hear_until(std::vector<Asked>& all, Deadline deadline) {
  while (!all_answered(all)) {
    std::vector<pollfd> entries;
    entries.reserve(all.size());
    for (const Asked& each : all) entries.push_back({each.server.answered ? -1 : each.fd.get(), POLLIN, 0});
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0 || poll(entries.data(), entries.size(), static_cast<int>(left.count())) <= 0) return;
    for (std::size_t i = 0; i < all.size(); ++i)
      if (entries[i].revents != 0) all[i].hear();
  }
}

}  // namespace

std::vector<IpAddress> servers_in(std::string_view resolv_conf) {
  constexpr std::string_view key = "nameserver ";
  std::vector<IpAddress> servers;
  for (std::size_t at = 0; at < resolv_conf.size();) {
    const std::size_t end = std::min(resolv_conf.find('\n', at), resolv_conf.size());
    const std::string_view line = resolv_conf.substr(at, end - at);
    if (line.starts_with(key))
      if (const auto address = IpAddress::parse(line.substr(key.size()))) servers.push_back(*address);
    at = end + 1;
  }
  return servers;
}

std::vector<Server> ask_servers(const std::vector<IpAddress>& addresses) {
  std::vector<Asked> all;
  for (std::size_t i = 0; i < std::min(addresses.size(), max_servers); ++i) all.emplace_back(addresses[i]);
  for (int round = 0; round < rounds && !all_answered(all); ++round) {
    for (const Asked& each : all) each.ask();
    hear_until(all, deadline_in(per_round));
  }
  std::vector<Server> servers;
  servers.reserve(all.size());
  for (const Asked& each : all) servers.push_back(each.server);
  return servers;
}

}  // namespace wg4::verify
