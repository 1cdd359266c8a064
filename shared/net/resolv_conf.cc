#include "shared/net/resolv_conf.h"

#include <span>
#include <string>

#include "shared/net/ip_address.h"

namespace wg4 {

std::string resolv_conf_text(std::span<const IpAddress> servers, std::span<const std::string> search) {
  std::string text;
  for (const IpAddress& server : servers) text += "nameserver " + server.to_string() + "\n";
  if (search.empty()) return text;
  text += "search";
  for (const std::string& domain : search) text += " " + domain;
  return text + "\n";
}

}  // namespace wg4
