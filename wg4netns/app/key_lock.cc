#include "wg4netns/app/key_lock.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <string_view>
#include <thread>

#include "shared/base/hex_base64.h"
#include "shared/sys/deadline.h"
#include "shared/sys/log.h"
#include "wg4netns/crypto/blake2s.h"
#include "wg4netns/crypto/curve25519.h"

namespace wg4 {
namespace {

constexpr std::string_view prefix = "wireguard4netns/key/";
constexpr std::size_t hash_length = 16;    // bytes
constexpr std::size_t longest_name = 107;  // bytes behind the NUL that makes a name abstract

// An engine that restarts a container starts the new tunnel while the old one ends.
constexpr std::chrono::milliseconds patience{2000};
constexpr std::chrono::milliseconds pause{20};

constexpr const char* why = "Two tunnels with one key take packets from each other";

std::string name_of(const PrivateKey& key) {
  const PublicKey own = crypto::derive_public_key(key);
  std::array<std::uint8_t, hash_length> hash{};
  crypto::Blake2s blake(hash.size());
  blake.update(own);
  blake.finish(hash);
  return std::string(prefix) + encode_hex(hash);
}

/// Anybody can give a socket any name: what we show of one has no control characters. Ours have none to begin with.
std::string printable(std::string text) {
  std::ranges::replace_if(text, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

/// A socket that does nothing but have this name; an invalid descriptor if somebody else has it.
Result<UniqueFd> claim(const std::string& name) {
  UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return fail("open a UNIX socket", errno);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t used = std::min(name.size(), longest_name);
  name.copy(&address.sun_path[1], used);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + used);
  // The kernel's one way to pass addresses of all families.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0) return fd;
  if (errno == EADDRINUSE) return UniqueFd();
  return fail("lock the key", errno);
}

Result<UniqueFd> claim_patiently(const std::string& name, std::chrono::milliseconds time) {
  for (const Deadline deadline = deadline_in(time);;) {
    UniqueFd fd = TRY(claim(name));
    if (fd.valid() || std::chrono::steady_clock::now() >= deadline) return fd;
    std::this_thread::sleep_for(pause);
  }
}

/// "process 12, for process 4711": what the holder's second name says. It may be about to be there.
std::string describe_holder(const std::string& name) {
  std::ifstream sockets("/proc/net/unix");
  const std::string label = "@" + name + "/";
  for (std::string line; std::getline(sockets, line);) {
    const auto at = line.find(label);
    if (at == std::string::npos) continue;
    const std::string text = line.substr(at + label.size());
    const auto slash = text.find('/');
    if (slash == std::string::npos) continue;
    return printable("process " + text.substr(0, slash) + ", for " + text.substr(slash + 1));
  }
  return "another process";
}

}  // namespace

Result<KeyLock> KeyLock::take(const PrivateKey& key, const std::string& where, bool shared) {
  if (key.is_zero()) return KeyLock();
  const std::string name = name_of(key);
  UniqueFd lock = TRY(claim_patiently(name, shared ? std::chrono::milliseconds(0) : patience));
  if (lock.valid()) return hold(name, std::move(lock), where);
  const std::string what = "the private key is in use by " + describe_holder(name);
  if (!shared) return fail(what, 0, std::string(why) + ": give each its own, or override with --allow-shared-key");
  log::warning("{}. {}", what, why);
  return KeyLock(name, {}, {});
}

Result<KeyLock> KeyLock::take_now(const PrivateKey& key, const std::string& where, bool shared) {
  if (key.is_zero()) return KeyLock();
  const std::string name = name_of(key);
  UniqueFd lock = TRY(claim(name));
  if (lock.valid()) return hold(name, std::move(lock), where);
  constexpr const char* what = "the new private key is in use by another tunnel";
  if (!shared) return fail(what, EADDRINUSE, why);
  log::warning("{}. {}", what, why);
  return KeyLock(name, {}, {});
}

Result<KeyLock> KeyLock::hold(const std::string& name, UniqueFd lock, const std::string& where) {
  UniqueFd label = TRY(claim(name + "/" + std::to_string(getpid()) + "/" + printable(where)));
  return KeyLock(name, std::move(lock), std::move(label));
}

bool KeyLock::is_for(const PrivateKey& key) const { return key.is_zero() ? name_.empty() : name_of(key) == name_; }

}  // namespace wg4
