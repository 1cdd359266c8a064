#include "wg4netns/daemon/helper_process.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "shared/base/unique_fd.h"

// What a helper does wrong is what these are about; what it does right needs a network namespace (tests/netns).

namespace wg4 {
namespace {

namespace fs = std::filesystem;

/// A shell script in the helper's place; its descriptor 3 is the handoff socket.
class FakeHelper {
 public:
  explicit FakeHelper(const std::string& script) {
    REQUIRE(mkdtemp(folder_.data()) != nullptr);
    path_ = folder_ + "/helper";
    std::ofstream(path_) << "#!/bin/sh\n" << script << "\n";
    REQUIRE(chmod(path_.c_str(), 0700) == 0);
  }
  FakeHelper(const FakeHelper&) = delete;
  FakeHelper& operator=(const FakeHelper&) = delete;
  ~FakeHelper() { fs::remove_all(folder_); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string folder_ = fs::temp_directory_path() / "fake_helper.XXXXXX";
  std::string path_;
};

std::string error_of(const AttachRequest& request) {
  const auto attachment = Attachment::begin(request);
  REQUIRE_FALSE(attachment.has_value());
  return attachment.error().message();
}

UniqueFd open_own(const char* kind) {
  return UniqueFd(open((fs::path("/proc/self/ns") / kind).c_str(), O_RDONLY | O_CLOEXEC));
}

AttachRequest with_helper(const std::string& path) {
  AttachRequest request;
  request.helper = path;
  request.target = {"a name", open_own("user"), open_own("net")};
  return request;
}

TEST_CASE("a helper that ends too early is told with how it ended") {
  const FakeHelper failing("exit 3");
  CHECK(error_of(with_helper(failing.path())) == "wg4netns-helper exited with status 3 before it was done");
  const FakeHelper killed("kill -KILL $$");
  CHECK(error_of(with_helper(killed.path())) == "wg4netns-helper was killed by signal 9 (Killed) before it was done");
}

TEST_CASE("a helper that hangs is given up") {
  const FakeHelper hanging("exec sleep 100");
  AttachRequest request = with_helper(hanging.path());
  request.timeout = std::chrono::milliseconds(50);
  CHECK(error_of(request) == "wg4netns-helper gave no answer within 1 s and was stopped");
}

TEST_CASE("a helper's own error comes as it is; a message that makes no sense is refused") {
  // Format version 1, kind 4 (Failure): two texts with an errno in between.
  const FakeHelper complaining(R"(printf '\001\004\003\000why\002\000\004\000hint' >&3)");
  CHECK(error_of(with_helper(complaining.path())) == "why: No such file or directory. hint");
  const FakeHelper babbling("echo hello >&3");
  CHECK(error_of(with_helper(babbling.path())).find("same version") != std::string::npos);
  const FakeHelper empty_handed(R"(printf '\001\001\003\000wg0\001\020\000' >&3)");
  CHECK(error_of(with_helper(empty_handed.path())) == "wg4netns-helper sent no TUN");
}

TEST_CASE("the helper gets the request as words, and no environment") {
  const FakeHelper recording(
      R"(env > $0.env; printf '%s\n' "$@" > $0.words; stat -L -c %i /proc/self/fd/[45] > $0.fds; exit 1)");
  AttachRequest request = with_helper(recording.path());
  request.target.name = "-a path";
  request.ifname = "wg7";
  request.vnet_hdr = true;
  request.queues = 2;
  request.configure = "no";
  const std::string ended = error_of(request);
  CHECK(ended.find("exited with status 1") != std::string::npos);

  std::stringstream words;
  words << std::ifstream(recording.path() + ".words").rdbuf();
  CHECK(words.str() ==
        "--handoff-fd\n3\n--netns-fd=4\n--userns-fd=5\n--target=-a path\n--ifname=wg7\n--vnet-hdr\n--queues=2\n"
        "--configure=no\n--sandbox=auto\n");
  std::ifstream inodes(recording.path() + ".fds");
  for (const char* place : {"/proc/self/ns/net", "/proc/self/ns/user"}) {
    struct stat info{};
    REQUIRE(stat(place, &info) == 0);
    ino_t inode = 0;
    CHECK((inodes >> inode && inode == info.st_ino));
  }
  std::ifstream environment(recording.path() + ".env");
  for (std::string line; std::getline(environment, line);) {
    CAPTURE(line);
    CHECK((line.starts_with("PWD=") || line.starts_with("_=") || line.starts_with("SHLVL=")));  // the shell's own
  }
}

TEST_CASE("the helper is found by its variable, and a missing one is told with the next step") {
  REQUIRE(setenv("WIREGUARD4NETNS_HELPER", "/some/helper", 1) == 0);
  CHECK(find_helper().value() == "/some/helper");
  REQUIRE(unsetenv("WIREGUARD4NETNS_HELPER") == 0);
  AttachRequest request = with_helper("/nonexistent/helper");
  CHECK(error_of(request).find("/nonexistent/helper: No such file or directory") != std::string::npos);
}

}  // namespace
}  // namespace wg4
