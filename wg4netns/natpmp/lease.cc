#include "wg4netns/natpmp/lease.h"

#include <algorithm>

namespace wg4::natpmp {
namespace {

// Providers forward a port to the same port of the client, whatever internal port is asked for. These two numbers are
// those of the providers' own instructions.
constexpr std::uint16_t internal_port = 0;
constexpr std::uint16_t any_external_port = 1;

constexpr Lease::Time min_renewal = std::chrono::seconds(1);

Fault to_fault(Outcome outcome) {
  switch (outcome) {
    case Outcome::success:
      return Fault::none;
    case Outcome::unsupported_version:
    case Outcome::unsupported_request:
      return Fault::wrong_version;
    case Outcome::not_authorized:
      return Fault::refused;
    case Outcome::network_failure:
    case Outcome::out_of_resources:
      return Fault::failed;
  }
  return Fault::failed;
}

}  // namespace

std::optional<Request> Lease::advance(Time now) {
  if (port_ != 0 && now >= until_) {
    port_ = 0;
    if (unanswered_ > 0) fault_ = Fault::silence;
  }
  if (now < next_) return std::nullopt;
  if (unanswered_ == tries) {
    fault_ = Fault::silence;
    ask_anew(Protocol::udp, now);
  }
  if (unanswered_ == 0 && asked_ == Protocol::udp) offered_ = port_ != 0 ? port_ : offered_;
  next_ = now + first_patience * (1U << unanswered_++);
  return Request{.protocol = asked_,
                 .internal = internal_port,
                 .external = offered_ != 0 ? offered_ : any_external_port,
                 .lifetime = lifetime};
}

Lease::Time Lease::deadline() const { return port_ != 0 ? std::min(next_, until_) : next_; }

void Lease::receive(ByteView bytes, Time now) {
  const auto response = decode(bytes);
  if (!response || response->protocol != asked_ || unanswered_ == 0) return;
  if (response->outcome != Outcome::success) return fail(to_fault(response->outcome), now);
  if (response->external == 0 || response->lifetime == 0) return fail(Fault::refused, now);
  if (asked_ == Protocol::udp) {
    offered_ = response->external;
    ask_anew(Protocol::tcp, now);
  } else if (response->external == offered_) {
    hold(offered_, response->lifetime, now);
  } else {
    fail(Fault::different_ports, now);
  }
}

void Lease::closed(Time now) {
  if (unanswered_ > 0) fail(Fault::closed, now);
}

void Lease::ask_anew(Protocol protocol, Time at) {
  asked_ = protocol;
  unanswered_ = 0;
  next_ = at;
}

/// A port that is held stays so until its time is up: the gateway may only have been restarted.
void Lease::fail(Fault fault, Time now) {
  fault_ = fault;
  offered_ = port_;
  ask_anew(Protocol::udp, now + (port_ != 0 ? min_renewal : renewal));
}

void Lease::hold(std::uint16_t port, std::uint32_t seconds, Time now) {
  const Time granted = std::chrono::seconds(seconds);
  port_ = port;
  until_ = now + granted;
  fault_ = Fault::none;
  ask_anew(Protocol::udp, now + std::clamp(granted * 3 / 4, min_renewal, renewal));
}

}  // namespace wg4::natpmp
