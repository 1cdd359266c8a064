#pragma once
// Two tunnels with one key take packets from each other: the peer has one endpoint for a key, that of the tunnel that
// sent last. So a key is locked for as long as a tunnel has it.
//
// The lock is on a byte of an empty file in a folder of the user's own, which nobody else can open (fcntl(2), open file
// description locks): the kernel releases it, whatever ends the process, and a process in its sandbox can move it. The
// byte's place is a MAC by the key over the network namespace that the UDP socket is in: in another one a second
// tunnel with the key does no harm.
//
//   /run/wireguard4netns/keys.lock (root), $XDG_RUNTIME_DIR/wireguard4netns/keys.lock, /run/user/UID/...,
//   /tmp/wireguard4netns-UID/keys.lock
//
// The name of an abstract UNIX socket, "wireguard4netns/key/MAC/PID/WHERE", tells which process has the lock. Anybody
// can take such a name, and everybody sees it: so it is used for messages alone. "wireguard4netns/key/MAC" is taken as
// well: if another user has that name, a tunnel of theirs may have the key, and a warning says so.

#include <sys/types.h>

#include <chrono>
#include <string>
#include <utility>

#include "shared/base/keys.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

class KeyLock {
 public:
  /// Locks `key` for a tunnel to `where` ("process 4711"). Waits 2 seconds at most for a holder that is just ending;
  /// then fails with an error that names the holder, or warns if `shared`. A zero key needs no lock. Where there is no
  /// folder for the file, this only warns.
  [[nodiscard]] static Result<KeyLock> take(const PrivateKey& key, const std::string& where, bool shared);
  /// Locks another key in the place of this one, on the same terms, for a program that serves already: it does not
  /// wait, and cannot look up the holder. EADDRINUSE if another tunnel has the key; then this one stays locked.
  [[nodiscard]] Result<void> change(const PrivateKey& key);

  /// True for the key that it was taken for, whether it is held or shared.
  [[nodiscard]] bool is_for(const PrivateKey& key) const;

 private:
  /// The names of a key.
  struct Fingerprint {
    std::string name;  // of sockets; empty for a zero key
    off_t place = 0;   // in the file
  };

  KeyLock(UniqueFd file, std::string network, std::string where, bool shared)
      : file_(std::move(file)), network_(std::move(network)), where_(std::move(where)), shared_(shared) {}
  [[nodiscard]] Fingerprint fingerprint(const PrivateKey& key) const;
  /// True if it is ours now.
  [[nodiscard]] Result<bool> lock(const Fingerprint& key) const;
  /// False if another process has its name.
  [[nodiscard]] bool announce(const Fingerprint& key, std::chrono::milliseconds time);

  UniqueFd file_;        // invalid where there was no place for it
  std::string network_;  // which namespace this is, as bytes
  std::string where_;
  bool shared_;
  Fingerprint held_;
  UniqueFd name_;
  UniqueFd label_;
};

}  // namespace wg4
