#pragma once

#include <string>

#include "shared/base/result.h"
#include "wg4netns/profile/config_file.h"

namespace wg4 {

/// The text of the QR code in a PNG picture. The picture is a stranger's: it is decoded in a child process which can do
/// nothing but read it and answer, before this one has a key. To be called in a process of one thread.
[[nodiscard]] Result<ConfigText> read_qr_picture(const std::string& path);

}  // namespace wg4
