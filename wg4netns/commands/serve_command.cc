#include "wg4netns/commands/serve_command.h"

#include <climits>
#include <utility>

#include "shared/base/result.h"
#include "wg4netns/commands/parser.h"
#include "wg4netns/commands/tunnel_options.h"

namespace wg4 {

Parsed<ServeCommand> parse_serve(const Arguments& arguments) {
  ServeCommand command;
  Parser parser("Moves packets between a TUN that somebody else made and WireGuard peers.", arguments);
  parser.option("--tun-fd", "FD", command.tun_fd, "Descriptor attached to a TUN made with IFF_TUN | IFF_NO_PI")
      .required()
      .within(0, INT_MAX);
  add_tunnel_options(parser, command.tunnel);
  if (auto text = TRY(parser.parse())) return *std::move(text);
  return command;
}

}  // namespace wg4
