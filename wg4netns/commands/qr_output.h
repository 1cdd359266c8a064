#pragma once
// A profile as a QR code in the terminal, for WireGuard's apps.

#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/secret_text.h"
#include "shared/config/wg_config.h"
#include "wg4netns/profile/qr_code.h"

namespace wg4 {

/// Draws the configuration in a file. An error if standard output is no terminal, or one that is too small for the
/// code, but with `force`.
[[nodiscard]] Result<void> draw_qr_code(const std::string& path, bool force);

/// Takes away what the apps refuse, or what only makes the code larger; the names of what it would have done.
[[nodiscard]] std::vector<std::string> leave_out_for_phones(WgConfig& config);

/// Two rows of modules in a line, with a light margin. `colour`: in black and white by escape sequences, else for light
/// letters on a dark ground. A secret, as what it was made of.
[[nodiscard]] SecretText draw(const QrCode& code, bool colour);

}  // namespace wg4
