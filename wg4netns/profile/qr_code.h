#pragma once
// QR codes: made of a text, and found in a picture. Where the program was built without ZXing or libpng these are
// errors that say so. Pure. Pictures are decoded in a process of their own, which may crash (qr_picture.h).

#include <cstddef>
#include <string_view>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/base/secret_text.h"

namespace wg4 {

/// A square of modules, without the light margin that it needs around it.
struct QrCode {
  std::size_t size = 0;    ///< modules of a side
  std::vector<bool> dark;  ///< size * size of them, row by row

  /// Outside of the square all is light.
  [[nodiscard]] bool is_dark(std::size_t x, std::size_t y) const { return x < size && y < size && dark[y * size + x]; }
};

/// ASCII. An error if it is too long for one code: the most is 2953 characters.
[[nodiscard]] Result<QrCode> make_qr_code(std::string_view text);

/// The text of the only QR code in a PNG picture.
[[nodiscard]] Result<SecretText> find_qr_code(ByteView png);

}  // namespace wg4
