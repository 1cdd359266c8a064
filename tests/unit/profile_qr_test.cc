// QR codes as they are made and drawn. tests/netns/test_profile.py reads them from pictures.

#include "wg4netns/commands/qr_output.h"
#include "wg4netns/profile/qr_code.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/secret_text.h"
#include "shared/config/wg_config.h"
#include "shared/config/wg_text.h"
#include "tests/support/machine.h"

namespace wg4 {
namespace {

bool is_built() {
  const auto code = make_qr_code("x");
  if (code) return true;
  CHECK_EQ(code.error().message(),
           "this wireguard4netns was built without QR codes. Build it again where libzxing-dev and libpng-dev are "
           "installed");
  say_skipped("built without libzxing-dev and libpng-dev");
  return false;
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

}  // namespace

TEST_CASE("a code of each size, up to the largest") {
  if (!is_built()) return;
  CHECK_EQ(make_qr_code("x")->size, 21);
  const auto largest = make_qr_code(std::string(2953, 'x'));
  REQUIRE(largest);
  CHECK_EQ(largest->size, 177);
  const auto too_large = make_qr_code(std::string(2954, 'x'));
  REQUIRE_FALSE(too_large);
  CHECK(too_large.error().message().starts_with("a QR code holds at most 2953 characters, and these would be 2954"));
}

TEST_CASE("a code is drawn two rows in a line, with its margin") {
  QrCode code{.size = 3, .dark = {true, true, true, true, false, false, true, false, true}};
  const SecretText plain = draw(code, false);
  // Light modules are blocks: the margin is white on a dark ground.
  CHECK_EQ(plain.view(), "███████████\n███████████\n████ ▄▄████\n████▄█▄████\n███████████\n███████████\n");
  const SecretText coloured = draw(code, true);
  CHECK_EQ(count(coloured.view(), "\x1b[30;47m"), 6);
  CHECK(coloured.view().contains("\x1b[30;47m    █▀▀    \x1b[0m\n\x1b[30;47m    ▀ ▀    \x1b[0m\n"));
}

TEST_CASE("phones get what they understand") {
  auto config = WgConfig::parse(
      "[Interface]\nAddress = 10.0.0.2\nFwMark = 1\nTable = off\nPostUp = x\nSaveConfig = true\nListenPort = 7\n"
      "[Peer]\n# friendly_name = a\nPublicKey = cHVibGlja2V5cHVibGlja2V5cHVibGlja2V5MDAwMDE=\n");
  REQUIRE(config);
  CHECK_EQ(leave_out_for_phones(*config),
           std::vector<std::string>{"FwMark", "Table", "PreUp, PostUp, PreDown and PostDown", "SaveConfig"});
  CHECK_EQ(to_wg_quick(*config, Keys::shown).view(),
           "[Interface]\nListenPort = 7\nAddress = 10.0.0.2/32\n\n[Peer]\n"
           "PublicKey = cHVibGlja2V5cHVibGlja2V5cHVibGlja2V5MDAwMDE=\n");
  CHECK(leave_out_for_phones(*config).empty());
}

}  // namespace wg4
