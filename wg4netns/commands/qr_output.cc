#include "wg4netns/commands/qr_output.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "shared/config/wg_text.h"
#include "shared/sys/log.h"
#include "shared/sys/service_port.h"
#include "shared/sys/whole_file.h"
#include "wg4netns/profile/config_file.h"

namespace wg4 {
namespace {

constexpr std::size_t margin = 4;  // modules, as the standard has it

std::size_t columns_of(const QrCode& code) { return code.size + 2 * margin; }
std::size_t lines_of(const QrCode& code) { return (columns_of(code) + 1) / 2; }

Result<void> expect_terminal_for(const QrCode& code) {
  winsize window{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0 || window.ws_row == 0) return {};
  if (columns_of(code) <= window.ws_col && lines_of(code) < window.ws_row) return {};  // and the prompt's line
  return fail(fmt::format("the QR code needs {} columns and {} lines, and this terminal has {} and {}",
                          columns_of(code), lines_of(code) + 1, window.ws_col, window.ws_row),
              0, "Make it larger, or its letters smaller; --force draws it all the same");
}

bool may_colour() {
  const char* no_colour = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) == 1 && (no_colour == nullptr || *no_colour == '\0');
}

}  // namespace

std::vector<std::string> leave_out_for_phones(WgConfig& config) {
  std::vector<std::string> left_out;
  if (std::exchange(config.fwmark, 0) != 0) left_out.emplace_back("FwMark");
  if (std::exchange(config.table, RouteTable::automatic) != RouteTable::automatic) left_out.emplace_back("Table");
  if (!std::exchange(config.hooks, {}).empty()) left_out.emplace_back("PreUp, PostUp, PreDown and PostDown");
  if (std::exchange(config.save_config, false)) left_out.emplace_back("SaveConfig");
  for (PeerConfig& peer : config.peers) peer.friendly_name.clear();
  return left_out;
}

SecretText draw(const QrCode& code, bool colour) {
  SecretText text;
  // The pattern's first half is the upper module; a block is a dark one on a light ground, or a light one on a dark
  // ground.
  const auto is_block = [&](std::size_t x, std::size_t y) {
    return code.is_dark(x - margin, y - margin) == colour;  // outside on the left, x - margin is huge
  };
  for (std::size_t y = 0; y < columns_of(code); y += 2) {
    if (colour) text.append("\x1b[30;47m");
    for (std::size_t x = 0; x < columns_of(code); ++x) {
      const bool upper = is_block(x, y);
      const bool lower = is_block(x, y + 1);
      text.append(upper ? (lower ? "█" : "▀") : (lower ? "▄" : " "));
    }
    text.append(colour ? "\x1b[0m\n" : "\n");
  }
  return text;
}

Result<void> draw_qr_code(const std::string& path, bool force) {
  if (!force && isatty(STDOUT_FILENO) != 1)
    return fail("standard output is no terminal, and the QR code would have the private key in it", 0,
                "--force writes it all the same");
  const ConfigText source = TRY(read_config_text(path));
  static_cast<void>(TRY(judge_text(source)));
  auto config = WgConfig::parse(source.text.view(), service_port);
  if (!config) return fail_in(path, std::move(config).error());
  if (const auto left_out = leave_out_for_phones(*config); !left_out.empty())
    log::warning("{}: left out, since phones have no such settings: {}", path, fmt::join(left_out, ", "));
  const SecretText text = to_wg_quick(*config, Keys::shown);
  const QrCode code = TRY(make_qr_code(text.view()));
  if (!force) TRY(expect_terminal_for(code));
  return write_all(STDOUT_FILENO, draw(code, may_colour()).view());
}

}  // namespace wg4
