#pragma once
// Two tunnels with one key take packets from each other: the peer has one endpoint for a key, that of the last one who
// spoke. So a key is locked for as long as a tunnel has it.
//
// The lock is the name of an abstract UNIX socket, "wireguard4netns/key/HASH". Such names belong to the network
// namespace that the UDP socket is in, too, are the same for all users, and go with their process, whatever ends it:
// nothing is ever left on a disk. A second name, with the process id and what the tunnel is for behind the hash, tells
// who holds the lock. HASH is of the public key: it says nothing about the private one.

#include <string>

#include "shared/base/keys.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

class KeyLock {
 public:
  /// Holds nothing.
  KeyLock() = default;

  /// Locks `key` for a tunnel to `where` ("process 4711"). A holder that is just ending is waited for, 2 seconds at
  /// most; then it is an error that names the holder, or with `shared` a warning. A zero key needs no lock.
  [[nodiscard]] static Result<KeyLock> take(const PrivateKey& key, const std::string& where, bool shared);
  /// The same for a program that serves already: it waits for nobody, and cannot look for the holder's name.
  /// EADDRINUSE.
  [[nodiscard]] static Result<KeyLock> take_now(const PrivateKey& key, const std::string& where, bool shared);

  /// True for the key that it was taken for, whether it is held or shared.
  [[nodiscard]] bool is_for(const PrivateKey& key) const;

 private:
  KeyLock(std::string name, UniqueFd lock, UniqueFd label)
      : name_(std::move(name)), lock_(std::move(lock)), label_(std::move(label)) {}
  [[nodiscard]] static Result<KeyLock> hold(const std::string& name, UniqueFd lock, const std::string& where);

  std::string name_;  // empty without a key
  UniqueFd lock_;
  UniqueFd label_;
};

}  // namespace wg4
