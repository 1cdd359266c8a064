#include "wg4netns/daemon/helper_process.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "shared/base/unique_fd.h"
#include "shared/handoff/handoff.h"
#include "shared/sys/sandbox_mode.h"
#include "shared/wire/wire.h"

// These test a helper that fails; one that works needs a network namespace (tests/netns).

namespace wg4 {
namespace {

namespace fs = std::filesystem;

/// A shell script instead of the helper; its descriptor 3 is the handoff socket.
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

std::string content_of(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
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

TEST_CASE("a helper that ends too early: the error says how it ended") {
  const FakeHelper failing("exit 3");
  CHECK(error_of(with_helper(failing.path())) == "wg4netns-helper exited with status 3 before it was done");
  const FakeHelper killed("kill -KILL $$");
  CHECK(error_of(with_helper(killed.path())) == "wg4netns-helper was killed by signal 9 (Killed) before it was done");
}

TEST_CASE("a helper that hangs is killed after a time") {
  const FakeHelper hanging("exec sleep 100");
  AttachRequest request = with_helper(hanging.path());
  request.timeout = std::chrono::milliseconds(50);
  CHECK(error_of(request) == "wg4netns-helper gave no answer within 1 s and was stopped");
}

TEST_CASE("a helper's own error is returned unchanged; a malformed message is refused") {
  const std::string version = fmt::format("{:03o}", wire::format_version);
  // Kind 6 (Failure): two texts with an errno in between.
  const FakeHelper complaining("printf '\\" + version + R"(\006\003\000why\002\000\000\000\004\000hint' >&3)");
  CHECK(error_of(with_helper(complaining.path())) == "why: No such file or directory. hint");
  const FakeHelper babbling("echo hello >&3");
  CHECK(error_of(with_helper(babbling.path())) ==
        fmt::format("wireguard4netns and wg4netns-helper do not understand each other: the other process speaks "
                    "version 104 of our messages, this one version {}. Install both programs from the same version",
                    wire::format_version));
  const FakeHelper empty_handed("printf '\\" + version + R"(\002\003\000wg0\001\020\000' >&3)");
  CHECK(error_of(with_helper(empty_handed.path())) == "wg4netns-helper sent no TUN");
}

TEST_CASE("the helper gets exactly the request, as a message; no words, and no environment") {
  const FakeHelper recording(
      R"(env > $0.env; echo $# > $0.words; dd bs=65536 count=1 <&3 >$0.begin 2>/dev/null; exit 1)");
  AttachRequest request = with_helper(recording.path());
  request.target.name = "-a path\n";
  request.begin = {.follows = true,
                   .target = "overridden, as the line above",
                   .ifname = "wg7",
                   .vnet_hdr = true,
                   .queues = 2,
                   .configure = handoff::Configure::no,
                   .sandbox = SandboxMode::on,
                   .agent = true};
  const std::string ended = error_of(request);
  CHECK(ended.find("exited with status 1") != std::string::npos);

  CHECK(content_of(recording.path() + ".words") == "0\n");
  handoff::Begin expected = request.begin;
  expected.follows = false;
  expected.target = request.target.name;
  const std::vector<std::uint8_t> bytes = wire::encode(expected).value();
  CHECK(content_of(recording.path() + ".begin") == std::string(bytes.begin(), bytes.end()));
  std::ifstream environment(recording.path() + ".env");
  for (std::string line; std::getline(environment, line);) {
    CAPTURE(line);
    CHECK((line.starts_with("PWD=") || line.starts_with("_=") || line.starts_with("SHLVL=")));  // the shell's own
  }
}

TEST_CASE("a name that is too long for a message is told before anything starts") {
  AttachRequest request = with_helper("/nonexistent/helper");
  request.begin.ifname = std::string(handoff::max_name_size + 1, 'w');
  CHECK(error_of(request).find("the name of the interface or of the namespace") == 0);
}

TEST_CASE("the helper is found by its variable; the error for a missing one has the next step") {
  REQUIRE(setenv("WIREGUARD4NETNS_HELPER", "/some/helper", 1) == 0);
  CHECK(find_helper().value() == "/some/helper");
  REQUIRE(unsetenv("WIREGUARD4NETNS_HELPER") == 0);
  AttachRequest request = with_helper("/nonexistent/helper");
  CHECK(error_of(request).find("/nonexistent/helper: No such file or directory") != std::string::npos);
}

}  // namespace
}  // namespace wg4
