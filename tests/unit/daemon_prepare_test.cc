// The stages of the start that come before anything exists in the namespace, and the one in which the helper makes it:
// what each says when it fails, and that nothing of the stages before it is left.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/hex_base64.h"
#include "shared/base/keys.h"
#include "shared/base/unique_fd.h"
#include "shared/config/wg_config.h"
#include "shared/net/ip_address.h"
#include "shared/sys/log.h"
#include "shared/sys/namespaces.h"
#include "shared/sys/sandbox_mode.h"
#include "wg4netns/daemon/attach_options.h"
#include "wg4netns/daemon/key_lock.h"
#include "wg4netns/daemon/make_interface.h"
#include "wg4netns/daemon/prepare.h"
#include "wg4netns/io/udp_socket.h"

namespace wg4 {
namespace {

namespace fs = std::filesystem;

constexpr int closed_fd = 987;  // nobody has opened this

PrivateKey random_key() {
  PrivateKey key;
  REQUIRE(getrandom(key.data(), PrivateKey::size(), 0) == static_cast<ssize_t>(PrivateKey::size()));
  return key;
}

/// A configuration that is good, and how it is asked for.
class Start {
 public:
  Start() {
    log::set_level(log::Level::silent);
    REQUIRE(mkdtemp(folder_.data()) != nullptr);
    REQUIRE(setenv("XDG_RUNTIME_DIR", folder_.c_str(), 1) == 0);
    options.config = folder_ + "/tunnel.conf";
    options.control = "off";
    options.sandbox.mode = SandboxMode::off;
    options.outbound_v4 = "127.0.0.1";
    options.outbound_v6 = "::1";
    write();
  }
  Start(const Start&) = delete;
  Start& operator=(const Start&) = delete;
  ~Start() { fs::remove_all(folder_); }

  void write(const std::string& more = {}) const {
    std::ofstream file(*options.config);
    file << "[Interface]\nPrivateKey = " << encode_base64(key.span()) << "\n" << more << "\n";
    fs::permissions(*options.config, fs::perms::owner_read | fs::perms::owner_write);
  }
  [[nodiscard]] std::string error(const std::string& where = "a test") const {
    const auto prepared = prepare(options, {.where = where});
    REQUIRE_FALSE(prepared.has_value());
    return prepared.error().message();
  }
  /// The processes, the key and the port (0 = none) are as if it had never been tried.
  void expect_nothing_left(std::uint16_t port = 0) const {
    CHECK((waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD));
    CHECK(KeyLock::take(key, "the next one", false).has_value());
    CHECK(UdpSocket::open({.port = port, .v4 = {}, .v6 = {}}).has_value());
  }

  TunnelOptions options;
  PrivateKey key = random_key();

 private:
  std::string folder_ = fs::temp_directory_path() / "prepare.XXXXXX";
};

bool says(const std::string& message, std::string_view what) { return message.find(what) != std::string::npos; }

TEST_CASE("a good start has what the tunnel needs, and gives it back at its end") {
  const Start start;
  start.write("ListenPort = 0\nMTU = 1380");
  std::uint16_t port = 0;
  {
    const auto prepared = prepare(start.options, {.where = "a test"});
    REQUIRE(prepared.has_value());
    port = prepared->outer.udp.number();
    CHECK(port != 0);
    CHECK(prepared->mtu == 1380);
    CHECK(prepared->start.path == *start.options.config);
    CHECK(prepared->start.config.private_key.equals(start.key));
    CHECK(prepared->key_lock.is_for(start.key));
    CHECK_FALSE(prepared->looking_in.control.has_value());
    CHECK_FALSE(prepared->processes.reloader.has_value());  // nobody could tell it to
    CHECK(prepared->gateway == nullptr);
  }
  start.expect_nothing_left(port);
}

TEST_CASE("what the caller asks for and is not there is told before the configuration is read") {
  Start start;
  start.options.config = "/nonexistent/tunnel.conf";
  start.options.ready_fd = closed_fd;
  CHECK(says(start.error(), "--ready-fd 987: Bad file descriptor. The program that starts this one"));
  start.expect_nothing_left();
}

TEST_CASE("a configuration that is not there, or wrong, is told by its name") {
  Start start;
  start.write("ListenPort = everywhere");
  CHECK(says(start.error(), *start.options.config));
  CHECK(says(start.error(), "ListenPort"));
  start.options.config = "/nonexistent/tunnel.conf";
  CHECK(says(start.error(), "/nonexistent/tunnel.conf: No such file or directory"));
  start.expect_nothing_left();
}

TEST_CASE("a key that another tunnel has is told with whose it is and what to do") {
  const Start start;
  {
    const auto holder = prepare(start.options, {.where = "process 4711"});
    REQUIRE(holder.has_value());
    const std::string error = start.error();
    CHECK(says(error, *start.options.config));
    CHECK(says(error, "in use by process " + std::to_string(getpid()) + ", the tunnel of process 4711"));
    CHECK(says(error, "--allow-shared-key"));
    CHECK(holder->key_lock.is_for(start.key));
  }
  start.expect_nothing_left();
}

TEST_CASE("a port that is taken is told by its number") {
  const Start start;
  const auto taken = UdpSocket::open({.v4 = {.address = IpAddress::parse("127.0.0.1"), .device = {}}, .v6 = {}});
  REQUIRE(taken.has_value());
  start.write("ListenPort = " + std::to_string(taken->port()));
  CHECK(says(start.error(), "listen on UDP port " + std::to_string(taken->port())));
  CHECK(says(start.error(), "Address already in use"));
  start.expect_nothing_left();
}

TEST_CASE("an address that this host does not have, and a cipher that it lacks, are told as they were given") {
  Start start;
  start.options.outbound_v4 = "192.0.2.1";
  CHECK(says(start.error(), "192.0.2.1"));
  start.options.outbound_v4 = "127.0.0.1";
  start.options.cipher = "rot13";
  CHECK(says(start.error(), "there is no cipher backend 'rot13' on this machine"));
  start.expect_nothing_left();
}

TEST_CASE("an interface that wg(8) configures needs no configuration, and no key") {
  Start start;
  start.options.config = "/nonexistent/tunnel.conf";
  start.options.configured_by_wg = true;
  const auto prepared = prepare(start.options, {.where = "a test"});
  REQUIRE(prepared.has_value());
  CHECK(prepared->start.path.empty());
  CHECK(prepared->start.config.private_key.is_zero());
  CHECK(prepared->outer.udp.number() != 0);
}

// ---------------------------------------------------------------- the helper

/// A shell script in the helper's place; its descriptor 3 is the socket on which it answers.
AttachCommand with_helper(const std::string& folder, const std::string& script) {
  AttachCommand command;
  command.helper = folder + "/helper";
  std::ofstream(*command.helper) << "#!/bin/sh\n" << script << "\n";
  REQUIRE(chmod(command.helper->c_str(), 0700) == 0);
  return command;
}

std::string interface_error(const AttachCommand& command) {
  const auto own = [](const char* kind) {
    return UniqueFd(open((fs::path("/proc/self/ns") / kind).c_str(), O_RDONLY | O_CLOEXEC));
  };
  const auto interface = make_interface(command, {"process 4711", own("user"), own("net")}, WgConfig{}, 1420);
  REQUIRE_FALSE(interface.has_value());
  return interface.error().message();
}

TEST_CASE("a helper that is missing, ends, or answers what makes no sense is told, and is gone afterwards") {
  std::string folder = fs::temp_directory_path() / "interface.XXXXXX";
  REQUIRE(mkdtemp(folder.data()) != nullptr);
  AttachCommand missing;
  missing.helper = folder + "/missing";
  CHECK(says(interface_error(missing), folder + "/missing: No such file or directory"));
  CHECK(says(interface_error(with_helper(folder, "exit 3")), "exited with status 3"));
  CHECK(says(interface_error(with_helper(folder, "kill -KILL $$")), "was killed by signal 9"));
  CHECK_FALSE(interface_error(with_helper(folder, "echo hello >&3; exec sleep 100")).empty());
  CHECK((waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD));
  fs::remove_all(folder);
}

TEST_CASE("a TUN's descriptor that nobody has opened is told by its number") {
  const auto interface = adopt_interface({.tunnel = {}, .tun_fd = closed_fd});
  REQUIRE_FALSE(interface.has_value());
  CHECK(says(interface.error().message(), "--tun-fd 987: Bad file descriptor"));
}

}  // namespace
}  // namespace wg4
