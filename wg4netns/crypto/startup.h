#pragma once

namespace wg4::crypto {

/// Lets libsodium choose the fastest code for this CPU and check it. Called once, before the first use of anything in
/// this folder, before threads and before the sandbox. False when the library is unusable here.
[[nodiscard]] bool start_up();

}  // namespace wg4::crypto
