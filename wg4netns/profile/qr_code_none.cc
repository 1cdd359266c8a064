#include <expected>
#include <string_view>

// In the place of qr_code.cc, where a library of it is not installed.

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/base/secret_text.h"
#include "wg4netns/profile/qr_code.h"

namespace wg4 {
namespace {

std::unexpected<Error> not_built() {
  return fail("this wireguard4netns was built without QR codes", 0,
              "Build it again where libzxing-dev and libpng-dev are installed");
}

}  // namespace

Result<QrCode> make_qr_code(std::string_view /*text*/) { return not_built(); }

Result<SecretText> find_qr_code(ByteView /*png*/) { return not_built(); }

}  // namespace wg4
