#pragma once
// The empty file whose bytes this user's tunnels lock (key_lock.h).

#include <sys/types.h>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

/// Opens the file, made if need be, in the first of its places that is this user's alone. Fails if none is.
[[nodiscard]] Result<UniqueFd> open_lock_file();

/// Locks (F_WRLCK) or unlocks (F_UNLCK) one byte, without waiting. False, with errno, if that fails: EAGAIN if
/// another process has it.
[[nodiscard]] bool set_byte_lock(int file, off_t place, short type);

}  // namespace wg4
