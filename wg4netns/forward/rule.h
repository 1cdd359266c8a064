#pragma once

#include <cstdint>
#include <string>

#include "shared/net/endpoint.h"
#include "shared/net/protocol.h"

namespace wg4::forward {

using RuleId = std::uint32_t;

/// One published port: connections and datagrams to `host` on the host are forwarded to `guest` in the namespace.
struct Rule {
  Protocol protocol = Protocol::tcp;
  Endpoint host;
  Endpoint guest;

  /// "127.0.0.1:8080/tcp", the host's side, for messages.
  [[nodiscard]] std::string to_string() const { return host.to_string() + "/" + std::string(name_of(protocol)); }

  friend bool operator==(const Rule&, const Rule&) = default;
};

}  // namespace wg4::forward
