#include "wg4netns/daemon/key_lock.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "shared/base/hex_base64.h"
#include "shared/sys/deadline.h"
#include "shared/sys/log.h"
#include "shared/sys/unix_socket.h"
#include "wg4netns/crypto/blake2s.h"
#include "wg4netns/crypto/curve25519.h"
#include "wg4netns/daemon/lock_file.h"

namespace wg4 {
namespace {

constexpr std::string_view prefix = "wireguard4netns/key/";

// An engine that restarts a container starts the new tunnel while the old one ends.
constexpr std::chrono::milliseconds patience{2000};
// When the old tunnel's lock is free, its name will be free at once.
constexpr std::chrono::milliseconds patience_with_a_name{200};
constexpr std::chrono::milliseconds pause{20};

constexpr const char* why = "Two tunnels with one key take packets from each other";

/// Reveals nothing about the key to anybody who does not have it.
crypto::Mac mac(const PrivateKey& key, const std::string& of) {
  const std::string text = "wireguard4netns key lock " + of;
  const std::vector<std::uint8_t> bytes(text.begin(), text.end());
  PrivateKey clamped = key.clone();  // keys that differ in other bits only are the same key
  crypto::clamp(clamped);
  return crypto::blake2s_mac(clamped.span(), bytes);
}

/// Tries again until it succeeds or fails for good, or until `time` is over. False if it has not succeeded.
template <class Try>
Result<bool> patiently(std::chrono::milliseconds time, const Try& attempt) {
  for (const Deadline deadline = deadline_in(time);;) {
    const bool done = TRY(attempt());
    if (done || std::chrono::steady_clock::now() >= deadline) return done;
    std::this_thread::sleep_for(pause);
  }
}

/// A socket's name as we show it, without control characters: anybody can give a socket any name. Ours have none
/// anyway.
std::string printable(std::string text) {
  std::ranges::replace_if(text, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

/// A socket that does nothing but have this name; invalid if it cannot have it.
UniqueFd claim(const std::string& name) {
  UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return {};
  const auto address = UnixAddress::of_abstract_name(name.substr(0, UnixAddress::max_size));
  return address && address->bind(fd.get()) ? std::move(fd) : UniqueFd();
}

/// The holder, by its second name: "process 12, the tunnel of process 4711". It may not have taken that name yet.
std::string describe_holder(const std::string& name) {
  std::ifstream sockets("/proc/net/unix");
  const std::string label = "@" + name + "/";
  for (std::string line; std::getline(sockets, line);) {
    const auto at = line.find(label);
    if (at == std::string::npos) continue;
    const std::string text = line.substr(at + label.size());
    const auto slash = text.find('/');
    if (slash == std::string::npos) continue;
    return printable("process " + text.substr(0, slash) + ", the tunnel of " + text.substr(slash + 1));
  }
  return "another process";
}

/// The network namespace that this process is in.
std::string own_network() {
  struct stat info{};
  if (stat("/proc/self/ns/net", &info) != 0) return "";
  return std::to_string(info.st_dev) + " " + std::to_string(info.st_ino);
}

}  // namespace

Result<KeyLock> KeyLock::take(const PrivateKey& key, const std::string& where, bool shared) {
  auto file = open_lock_file();
  if (!file && !key.is_zero())
    log::warning("whether another tunnel has the private key cannot be told: {}", file.error().message());
  KeyLock lock(file ? *std::move(file) : UniqueFd(), own_network(), where, shared);
  if (key.is_zero()) return lock;
  const Fingerprint wanted = lock.fingerprint(key);
  const auto time = shared ? std::chrono::milliseconds(0) : patience;
  if (TRY(patiently(time, [&] { return lock.lock(wanted); }))) {
    if (!lock.announce(wanted, patience_with_a_name))
      log::warning("another program may have the private key, too: {}. {}", describe_holder(wanted.name), why);
    return lock;
  }
  const std::string what = "the private key is in use by " + describe_holder(wanted.name);
  if (!shared) return fail(what, 0, std::string(why) + ": give each its own, or override with --allow-shared-key");
  log::warning("{}. {}", what, why);
  lock.held_ = wanted;
  return lock;
}

Result<void> KeyLock::change(const PrivateKey& key) {
  const Fingerprint wanted = fingerprint(key);
  const bool ours = key.is_zero() || TRY(lock(wanted));
  constexpr const char* what = "the new private key is in use by another tunnel";
  if (!ours && !shared_) return fail(what, EADDRINUSE, why);
  if (!ours) log::warning("{}. {}", what, why);
  if (file_.valid() && !held_.name.empty()) static_cast<void>(set_byte_lock(file_.get(), held_.place, F_UNLCK));
  name_.reset();
  label_.reset();
  held_ = wanted;
  if (ours && !key.is_zero() && !announce(wanted, std::chrono::milliseconds(0)))
    log::warning("another program may have the new private key, too. {}", why);
  return {};
}

KeyLock::Fingerprint KeyLock::fingerprint(const PrivateKey& key) const {
  if (key.is_zero()) return {};
  const crypto::Mac place = mac(key, network_);
  std::uint64_t number = 0;
  std::memcpy(&number, place.data(), sizeof number);
  constexpr int sign_and_one_more = 2;  // the byte behind it has a place, too
  return {std::string(prefix) + encode_hex(mac(key, "")), static_cast<off_t>(number >> sign_and_one_more)};
}

Result<bool> KeyLock::lock(const Fingerprint& key) const {
  if (!file_.valid() || set_byte_lock(file_.get(), key.place, F_WRLCK)) return true;
  if (errno == EAGAIN || errno == EACCES) return false;
  return fail("lock the key", errno);
}

bool KeyLock::announce(const Fingerprint& key, std::chrono::milliseconds time) {
  const auto had = patiently(time, [&]() -> Result<bool> {
    name_ = claim(key.name);
    return name_.valid() || errno != EADDRINUSE;
  });
  label_ = claim(key.name + "/" + std::to_string(getpid()) + "/" + printable(where_));
  held_ = key;
  return had.value_or(true);
}

bool KeyLock::is_for(const PrivateKey& key) const { return fingerprint(key).name == held_.name; }

}  // namespace wg4
