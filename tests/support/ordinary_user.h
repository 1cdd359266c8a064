#pragma once
// Parts of tests that need an ordinary user. If root runs the tests, it is a user of this host with subordinate ids.

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <concepts>
#include <cstddef>
#include <fstream>
#include <optional>
#include <string>

#include "shared/base/unique_fd.h"
#include "shared/sys/pipe.h"
#include "shared/sys/sub_ids.h"
#include "tests/support/in_child.h"

namespace wg4 {

struct OrdinaryUser {
  uid_t uid = 0;
  gid_t gid = 0;
};

/// This user; for root, one of the users who have lines in /etc/subuid, or else nobody.
inline OrdinaryUser ordinary_user() {
  if (geteuid() != 0) return {geteuid(), getegid()};
  std::ifstream file("/etc/subuid");
  for (std::string line; std::getline(file, line);)
    if (const passwd* entry = getpwnam(line.substr(0, line.find(':')).c_str()); entry != nullptr && entry->pw_uid != 0)
      return {entry->pw_uid, entry->pw_gid};
  constexpr uid_t nobody = 65534;
  return {nobody, nobody};
}

/// What `body` returns. It runs in a child, as `user`.
template <std::invocable Body>
std::string said_by(const OrdinaryUser& user, const Body& body) {
  auto pipe = make_pipe();
  if (!pipe) return "no pipe";
  in_child([&] {
    if (geteuid() == 0 && (setgroups(0, nullptr) != 0 || setresgid(user.gid, user.gid, user.gid) != 0 ||
                           setresuid(user.uid, user.uid, user.uid) != 0 || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0))
      return 1;
    const std::string text = body();
    return write(pipe->writer.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1;
  });
  pipe->writer.reset();
  std::string text;
  std::array<char, 4096> part{};
  for (ssize_t size = 0; (size = read(pipe->reader.get(), part.data(), part.size())) > 0;)
    text.append(part.data(), static_cast<std::size_t>(size));
  return text;
}

/// Why that user cannot map subordinate ids here; empty if it can.
inline std::string sub_ids_are_missing(const OrdinaryUser& user) {
  return said_by(user, [] {
    const auto fault = fault_of(look_at_sub_ids());
    return fault ? fault->message() : std::string();
  });
}

}  // namespace wg4
