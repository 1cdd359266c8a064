#include "wg4netns/commands/resolver_command.h"

#include <utility>

#include "wg4netns/commands/parser.h"
#include "wg4netns/commands/tunnel_options.h"
#include "wg4netns/daemon/resolver.h"

namespace wg4 {

Parsed<ResolverCommand> parse_resolver(const Arguments& arguments) {
  ResolverCommand command;
  Parser parser("Looks up names for the program that started it.", arguments);
  add_sandbox_option(parser, command.sandbox);
  if (auto text = TRY(parser.parse())) return *std::move(text);
  return command;
}

Result<void> run_resolver_command(const ResolverCommand& command) {
  return run_resolver(resolver_socket, command.sandbox);
}

}  // namespace wg4
