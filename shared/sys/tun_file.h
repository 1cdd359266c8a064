#pragma once
// /dev/net/tun, the device for TUN interfaces, and what can be wrong with it on hosts and in containers. Looking at the
// file and judging it are separate, so that a test can judge files that the machine does not have.

#include <optional>
#include <string>

#include "shared/base/result.h"

namespace wg4 {

inline constexpr const char* tun_file_path = "/dev/net/tun";
inline constexpr unsigned tun_file_major = 10;
inline constexpr unsigned tun_file_minor = 200;

/// The file, as it was found.
struct TunFile {
  enum class Kind : unsigned char { character_device, file, folder, pipe, other };

  int look_error = 0;              ///< errno of stat(2)
  bool folder_is_missing = false;  ///< /dev/net is missing
  Kind kind = Kind::character_device;
  unsigned major = tun_file_major;
  unsigned minor = tun_file_minor;
  unsigned mode = 0666;   ///< permission bits
  bool on_nodev = false;  ///< on a mount with the option nodev
  int open_error = 0;     ///< errno of opening it for reading and writing; only tried if it is the right device
};

/// What is wrong with it, with an errno, if there is one, and the next step.
[[nodiscard]] std::optional<Error> fault_of(const TunFile& file);

/// Inspects it, and opens it for a moment if it is the right device.
[[nodiscard]] TunFile look_at_tun_file();

/// "0666".
[[nodiscard]] std::string octal(unsigned mode);

}  // namespace wg4
