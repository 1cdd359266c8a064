#include "wg4netns/daemon/endpoints.h"

#include <netdb.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "shared/base/keys.h"
#include "shared/base/result.h"
#include "shared/config/wg_config.h"
#include "shared/net/endpoint.h"
#include "shared/sys/clock.h"
#include "shared/sys/deadline.h"
#include "shared/sys/log.h"
#include "shared/sys/sandbox_mode.h"
#include "wg4netns/core/control.h"
#include "wg4netns/core/time.h"
#include "wg4netns/core/timers.h"

namespace wg4 {
namespace {

constexpr Duration max_delay = 20s;
constexpr std::size_t answers_per_turn = 64;

/// As wg: 1 s, a fifth longer each time, up to 20 s.
Duration retry_delay(unsigned failures) {
  const double seconds = std::pow(1.2, std::min(failures, 20U) - 1);
  return std::min(max_delay, std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds)));
}

/// As wg; all other errors may pass.
bool is_permanent(int error) { return error == EAI_NONAME || error == EAI_FAIL || error == EAI_NODATA; }

}  // namespace

Result<std::optional<unsigned>> Endpoints::parse_retries(const char* text, std::optional<unsigned> usual) {
  if (text == nullptr || *text == '\0') return usual;
  const std::string_view value = text;
  if (value == "infinity") return std::nullopt;
  unsigned number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || end != value.data() + value.size())
    return fail("WG_ENDPOINT_RESOLUTION_RETRIES is '" + std::string(value) + "'", 0,
                "It takes a number or the word infinity");
  return number;
}

Result<Endpoints> Endpoints::create(const WgConfig& config, const NameRetries& retries, SandboxMode sandbox) {
  Endpoints endpoints(retries);
  for (const PeerConfig& peer : config.peers)
    if (const HostPort* name = peer.host_name())
      endpoints.names_.push_back({.peer = peer.public_key, .host = *name, .endpoint = {}});
  if (!endpoints.names_.empty()) endpoints.resolver_ = TRY(Resolver::start(sandbox));
  return endpoints;
}

Result<void> Endpoints::resolve_first(std::chrono::milliseconds patience) {
  for (std::uint32_t id = 0; id < names_.size(); ++id) ask(id);
  const Deadline deadline = deadline_in(patience);
  while (!all_resolved() && std::chrono::steady_clock::now() < deadline) {
    if (!TRY(wait_until(resolver_->fd(), POLLIN, deadline))) break;
    const auto answer = resolver_->receive();
    if (!answer) return fail("the resolver process ended");
    if (Name* name = asked_for(*answer)) TRY(take(*name, *answer, Instant(boot_clock())));
    if (std::ranges::none_of(names_, &Name::asked)) break;  // the names that are left have to be retried later
  }
  for (const Name& name : names_)
    if (!name.endpoint) log::warning("no address for {} yet; trying on", name.host.to_string());
  return {};
}

bool Endpoints::all_resolved() const {
  return std::ranges::all_of(names_, [](const Name& name) { return name.endpoint.has_value(); });
}

void Endpoints::fill_in(DeviceChange& change) const {
  for (PeerChange& peer : change.peers)
    for (const Name& name : names_)
      if (name.peer == peer.public_key && name.endpoint) peer.endpoint = name.endpoint;
}

std::vector<Endpoint> Endpoints::resolved() const {
  std::vector<Endpoint> endpoints;
  for (const Name& name : names_)
    if (name.endpoint) endpoints.push_back(*name.endpoint);
  return endpoints;
}

void Endpoints::ask(std::uint32_t id) {
  Name& name = names_[id];
  name.retry_at = never;
  name.asked = resolver_->ask(id, name.host).has_value();
}

/// The name of the question; null without one. An attacker may have taken the resolver over: it reads strangers'
/// packets.
Endpoints::Name* Endpoints::asked_for(const Resolver::Answer& answer) {
  return answer.id < names_.size() && names_[answer.id].asked ? &names_[answer.id] : nullptr;
}

/// Fails when the name will not resolve however often it is tried.
Result<void> Endpoints::take(Name& name, const Resolver::Answer& answer, Instant now) {
  name.asked = false;
  if (answer.error == 0) {
    name.failures = 0;
    name.endpoint = answer.endpoint;
    name.endpoint->port = name.host.port;
    return {};
  }
  ++name.failures;
  const bool is_unknown = is_permanent(answer.error) && !retries_.also_unknown;
  if (is_unknown || (retries_.most && name.failures > *retries_.most))
    return fail("endpoint " + name.host.to_string() + ": " + gai_strerror(answer.error), 0,
                "Check the name, and that this host's DNS works");
  name.retry_at = now + retry_delay(name.failures);
  return {};
}

DeviceChange Endpoints::answered(Instant now) {
  DeviceChange change;
  for (std::size_t i = 0; i < answers_per_turn; ++i) {
    const auto answer = resolver_->receive();
    if (!answer) break;
    Name* name = asked_for(*answer);
    if (name == nullptr) continue;
    if (const auto taken = take(*name, *answer, now); !taken) {
      log::warning("{}", taken.error().message());
      continue;
    }
    if (answer->error != 0 || name->forgotten) continue;
    log::debug("{} is {}", name->host.to_string(), name->endpoint->to_string());
    PeerChange& peer = change.peers.emplace_back();
    peer.public_key = name->peer;
    peer.update_only = true;
    peer.endpoint = name->endpoint;
  }
  if (resolver_ended() && !std::exchange(told_of_end_, true))
    log::warning("the process that looks up names has ended: endpoints stay at the addresses that they have now");
  return change;
}

void Endpoints::forget(const PublicKey& peer) {
  for (Name& name : names_)
    if (name.peer == peer) name.forgotten = true;
}

void Endpoints::have(Resolver resolver) {
  if (resolver_) return;
  resolver_ = std::move(resolver);
  others_resolver_ = true;
}

bool Endpoints::follow(const std::vector<std::pair<PublicKey, HostPort>>& names) {
  if (!resolver_ && !names.empty()) return false;
  for (Name& name : names_) name.forgotten = true;
  for (const auto& [peer, host] : names) {
    // An answer that is still to come refers to its place here, which must not be used again before.
    const auto is_free = [](const Name& name) { return name.forgotten && !name.asked; };
    auto place = std::ranges::find_if(names_, is_free);
    if (place == names_.end()) place = names_.emplace(place);
    *place = {.peer = peer, .host = host, .endpoint = {}};
  }
  return true;
}

void Endpoints::unanswered(const PublicKey& peer) {
  for (std::uint32_t id = 0; id < names_.size(); ++id)
    if (names_[id].peer == peer && !names_[id].asked && !names_[id].forgotten) ask(id);
}

void Endpoints::expire(Instant now) {
  for (std::uint32_t id = 0; id < names_.size(); ++id)
    if (names_[id].retry_at <= now && !names_[id].forgotten) ask(id);
}

std::optional<Instant> Endpoints::next_deadline() const {
  Instant next = never;
  for (const Name& name : names_)
    if (!name.forgotten) next = std::min(next, name.retry_at);
  return next == never ? std::nullopt : std::optional(next);
}

}  // namespace wg4
