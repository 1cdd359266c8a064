#include "wg4netns/forward/forward_loop.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <thread>
#include <utility>
#include <variant>

#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "shared/net/loopback.h"
#include "shared/net/protocol.h"
#include "shared/sys/clock.h"
#include "shared/sys/deadline.h"
#include "shared/sys/log.h"
#include "shared/sys/sockaddr.h"
#include "wg4netns/forward/listener.h"
#include "wg4netns/forward/port_table.h"
#include "wg4netns/forward/rule.h"

namespace wg4::forward {
namespace {

/// Descriptors that are left to the rest of the process, and to the API's clients.
constexpr rlim_t reserved_fds = 160;
constexpr rlim_t max_fds = rlim_t{1} << 20;  // what "unlimited" means here
// An engine may start this program while an earlier one, with the same ports, is still ending.
constexpr std::chrono::milliseconds patience_with_busy_ports{1000};
constexpr std::chrono::milliseconds pause_between_tries{10};

/// Raises the soft limit on open files to the hard one. Returns the number that is left for forwarding.
std::size_t raise_fd_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t soft = std::exchange(limit.rlim_cur, limit.rlim_max);
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = soft;
  const rlim_t usable = std::min(limit.rlim_cur, max_fds);
  return usable > reserved_fds ? static_cast<std::size_t>(usable - reserved_fds) : 0;
}

}  // namespace

ForwardLoop::ForwardLoop(Loop loop, const Settings& settings, Descriptors descriptors, std::size_t fd_limit)
    : loop_(std::move(loop)),
      budget_(fd_limit),
      agent_(std::move(descriptors.agent)),
      tcp_(loop_, budget_),
      udp_(loop_, budget_, settings.udp),
      guest_(settings.guest),
      ways_(settings.ways) {
  if (settings.follows()) auto_.emplace(settings.automatic, std::move(descriptors.tables));
}

Result<std::unique_ptr<ForwardLoop>> ForwardLoop::create(const Settings& settings, Descriptors descriptors, int stop) {
  Loop loop = TRY(Loop::create());
  UniqueFd api = std::move(descriptors.api);
  std::vector<UniqueFd> inside = std::move(descriptors.inside);
  std::unique_ptr<ForwardLoop> self(
      new ForwardLoop(std::move(loop), settings, std::move(descriptors), raise_fd_limit()));
  TRY(self->start(settings, std::move(api), std::move(inside), stop));
  return self;
}

Result<void> ForwardLoop::start(const Settings& settings, UniqueFd api, std::vector<UniqueFd> inside, int stop) {
  TRY(loop_.watch(stop, make_token(Kind::stop)));
  if (agent_.alive()) TRY(loop_.watch(agent_.fd(), make_token(Kind::agent)));
  for (UniqueFd& listener : inside) TRY(lead_out(std::move(listener)));
  for (Rule rule : settings.published) {
    if (rule.guest.address.is_unspecified()) rule.guest.address = guest_;
    TRY(publish(rule));
  }
  static_cast<void>(follow(boot_clock()));
  if (!api.valid()) return {};
  api_.emplace(loop_, std::move(api), [this](std::string_view request) { return answer(request); });
  return api_->start();
}

Result<void> ForwardLoop::publish(const Rule& rule) {
  const Deadline deadline = deadline_in(patience_with_busy_ports);
  for (;;) {
    const auto added = add(rule);
    if (added) return {};
    if (added.error().number != EADDRINUSE || std::chrono::steady_clock::now() >= deadline)
      return std::unexpected(added.error());
    std::this_thread::sleep_for(pause_between_tries);
  }
}

Result<RuleId> ForwardLoop::add(const Rule& rule) {
  if (!agent_.alive()) return fail("publish port " + rule.to_string() + ": the agent in the namespace has ended");
  const auto id = rules_.next_id();
  if (!id) return fail("publish port " + rule.to_string() + ": all numbers for rules are used up");
  UniqueFd listener = TRY(open_listener(rule));
  TRY(open(*id, rule.protocol, std::move(listener), agent_,
           [target = rule.guest](const IpAddress&) { return target; }));
  return rules_.add(rule);
}

Result<void> ForwardLoop::open(RuleId id, Protocol protocol, UniqueFd listener, Dialer& dialer, Target target) {
  return protocol == Protocol::tcp ? tcp_.open(id, std::move(listener), dialer, std::move(target))
                                   : udp_.open(id, std::move(listener), dialer, std::move(target));
}

/// Which one of them it is, the listener itself tells.
Result<void> ForwardLoop::lead_out(UniqueFd listener) {
  int type = 0;
  socklen_t size = sizeof type;
  SocketAddress name(Endpoint{});
  name.length = sizeof name.storage;
  if (getsockopt(listener.get(), SOL_SOCKET, SO_TYPE, &type, &size) != 0 ||
      getsockname(listener.get(), name.get(), &name.length) != 0)
    return fail("look at a listener in the namespace", errno);
  const Protocol protocol = type == SOCK_STREAM ? Protocol::tcp : Protocol::udp;
  const Endpoint local = to_endpoint(name.storage);
  Target target = [&ways = ways_, protocol, port = local.port](const IpAddress& asked) {
    return ways.target(protocol, {asked, port});
  };
  const RuleId id = rules_.add({protocol, local, {}});
  return open(id, protocol, std::move(listener), host_, std::move(target));
}

bool ForwardLoop::remove(RuleId id) {
  const auto rule = rules_.remove(id);
  if (!rule) return false;
  tcp_.close(id);
  udp_.close(id);
  return true;
}

std::string ForwardLoop::answer(std::string_view request) {
  if (request.size() > api::max_request) return api::refused(api::too_large);
  const auto parsed = api::parse_request(request, guest_);
  if (!parsed) return api::refused(parsed.error().what);
  if (std::holds_alternative<api::List>(*parsed)) return api::listed(rules_.all());
  if (const auto* wanted = std::get_if<api::Remove>(&*parsed))
    return remove(wanted->id) ? api::removed() : api::refused(api::bad_id);
  const auto id = add(std::get<api::Add>(*parsed).rule);
  if (id) return api::added(*id);
  log::warning("{}", id.error().message());  // the reply has no room for the reason
  return api::refused(api::add_failed);
}

void ForwardLoop::take_dialed(std::vector<Dialer::Answer> answers) {
  for (Dialer::Answer& answer : answers) {
    const std::uint32_t number = number_of(answer.requester);
    if (kind_of(answer.requester) == Kind::udp_flow)
      udp_.dialed(number, std::move(answer));
    else
      tcp_.dialed(number, std::move(answer));
  }
}

void ForwardLoop::lose_agent() {
  log::error("wg4netns-helper, which dials in the namespace, has ended: all published ports are closed");
  while (!rules_.all().empty()) static_cast<void>(remove(rules_.all().begin()->first));
}

/// Updates the rules of "auto". Returns when to call it again; nothing without "auto".
std::optional<std::chrono::nanoseconds> ForwardLoop::follow(std::chrono::nanoseconds now) {
  if (!auto_ || !agent_.alive()) return std::nullopt;
  if (now < auto_->next) return auto_->next;
  const auto listening = auto_->listening();
  std::erase_if(auto_->published, [&](const auto& entry) {
    if (listening.contains(entry.first)) return false;
    for (const RuleId id : entry.second) static_cast<void>(remove(id));
    return true;
  });
  for (const auto& [port, reach] : listening)
    if (!auto_->published.contains(port)) publish_same_port(port, reach);
  auto_->next = now + AutoPorts::interval;
  return auto_->next;
}

/// Ignores failures: the host itself may use the port, or it may be reserved for root.
void ForwardLoop::publish_same_port(AutoPorts::Port port, Reach reach) {
  const IpAddress guest = guest_ == loopback(Family::v4) && reach == Reach::v6 ? loopback(Family::v6) : guest_;
  std::vector<RuleId> ids;
  for (const IpAddress& host : {IpAddress{}, IpAddress::v6(std::array<std::uint8_t, 16>{})})
    if (const auto id = add({port.first, {host, port.second}, {guest, port.second}})) ids.push_back(*id);
  if (!ids.empty()) auto_->published.emplace(port, std::move(ids));
}

int ForwardLoop::wait_ms(bool more_to_do, std::optional<std::chrono::nanoseconds> deadline) const {
  if (more_to_do) return 0;
  if (!deadline) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - boot_clock());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT32_MAX));
}

void ForwardLoop::run() {
  bool more_to_do = true;  // the first turn does not wait: it finds out until when to wait
  std::optional<std::chrono::nanoseconds> deadline;
  for (;;) {
    const auto events = loop_.wait(wait_ms(more_to_do, deadline));
    const auto now = boot_clock();
    for (const auto& event : events) {
      const std::uint32_t number = number_of(event.source);
      switch (kind_of(event.source)) {
        case Kind::stop:
          return;
        case Kind::agent:
          take_dialed(agent_.receive());
          if (!agent_.alive()) lose_agent();
          break;
        case Kind::api_listener:
          api_->listener_ready(now);
          break;
        case Kind::api_client:
          api_->client_ready(number);
          break;
        case Kind::tcp_listener:
          tcp_.listener_ready(number, now);
          break;
        case Kind::tcp_client:
          tcp_.client_ready(number, event.events);
          break;
        case Kind::tcp_guest:
          tcp_.guest_ready(number, event.events);
          break;
        case Kind::udp_listener:
          udp_.listener_ready(number, now);
          break;
        case Kind::udp_flow:
          udp_.flow_ready(number, now);
          break;
      }
    }
    take_dialed(host_.receive());
    more_to_do = tcp_.work();
    deadline.reset();
    const auto no_later_than = [&deadline](std::optional<std::chrono::nanoseconds> other) {
      if (other) deadline = std::min(deadline.value_or(*other), *other);
    };
    no_later_than(tcp_.end_turn(now));
    no_later_than(udp_.end_turn(now));
    if (api_) no_later_than(api_->end_turn(now));
    no_later_than(follow(now));
  }
}

}  // namespace wg4::forward
