#include "wg4netns/engines/wireguard_go.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <expected>
#include <string_view>
#include <utility>

#include "shared/base/unique_fd.h"
#include "shared/sys/background.h"
#include "shared/sys/log.h"
#include "wg4netns/commands/cli_words.h"
#include "wg4netns/commands/parser.h"
#include "wg4netns/daemon/attach.h"
#include "wg4netns/daemon/attach_options.h"

namespace wg4 {
namespace {

constexpr std::uint16_t default_mtu = 1420;  // bytes, as every WireGuard has it

AttachCommand attachment_of(const InterfaceCommand& command) {
  AttachCommand attachment;
  attachment.target = "/proc/self/ns/net";
  attachment.target_type = TargetType::path;
  attachment.ifname = command.ifname;
  attachment.configuration = Configuration::mtu;
  attachment.tunnel.configured_by_wg = true;
  attachment.tunnel.control = command.ifname;
  attachment.tunnel.mtu = default_mtu;
  return attachment;
}

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

bool asks_for_foreground(std::string_view word) { return word == "-f" || word == "--foreground"; }

}  // namespace

bool is_wireguard_go(std::span<const char* const> words) {
  const std::size_t count = !words.empty() && asks_for_foreground(words[0]) ? 2 : 1;
  if (words.size() != count) return false;
  const std::string_view ifname = words.back();
  const bool is_number = ifname.find_first_not_of("0123456789") == std::string_view::npos;
  return !is_number && ifname.front() != '-' && !ifname.contains('/');
}

Parsed<InterfaceCommand> parse_interface(const Arguments& arguments) {
  InterfaceCommand command{.ifname = arguments.words.back(), .foreground = asks_for_foreground(arguments.words[0])};
  const char* foreground = std::getenv("WG_PROCESS_FOREGROUND");
  if (foreground != nullptr && std::string_view(foreground) == "1") command.foreground = true;
  // wg-quick(8) sets a variable for a program that it starts, and gives it any name.
  const bool invited =
      command.foreground || is_set("WG_QUICK_USERSPACE_IMPLEMENTATION") || arguments.program == "wireguard-go";
  TRY(check_word_alone(command.ifname, invited, names_of(arguments.table)));
  if (const char* text = std::getenv("LOG_LEVEL"); text != nullptr) {
    const auto level = log_level_named(std::string_view(text) == "verbose" ? "debug" : text);
    if (level) log::set_level(*level);
  }
  return command;
}

Result<void> run_interface(const InterfaceCommand& command) {
  AttachCommand attachment = attachment_of(command);
  if (command.foreground) return attach(attachment);
  auto serving = run_in_background([&](UniqueFd ready_fd) {
    attachment.tunnel.ready_fd = ready_fd.release();
    return attach(attachment);
  });
  if (!serving) return std::unexpected(std::move(serving).error());
  return {};
}

}  // namespace wg4
