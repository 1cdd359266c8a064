#pragma once
// The empty file whose bytes this user's tunnels lock (key_lock.h).

#include <sys/types.h>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

/// Opens it, made if need be, in the first of its places that is there and this user's alone. An error if none is.
[[nodiscard]] Result<UniqueFd> open_lock_file();

/// Locks (F_WRLCK) or unlocks (F_UNLCK) one byte, without waiting. False, with errno, if that cannot be: EAGAIN if
/// somebody else has it.
[[nodiscard]] bool set_byte_lock(int file, off_t place, short type);

}  // namespace wg4
