#include "wg4netns/crypto/startup.h"

#include <sodium/core.h>

namespace wg4::crypto {

bool start_up() { return sodium_init() >= 0; }

}  // namespace wg4::crypto
