// Runs in a mount namespace of its own (see sys.cmake).

#include <doctest/doctest.h>
#include <sys/mount.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "shared/base/scope_exit.h"
#include "shared/sys/process.h"

namespace wg4 {
namespace {

namespace fs = std::filesystem;

TEST_CASE("a program on a noexec mount runs from a copy in memory") {
  std::string folder = fs::temp_directory_path() / "noexec_test.XXXXXX";
  REQUIRE(mkdtemp(folder.data()) != nullptr);
  const ScopeExit remove([&folder] {
    umount2(folder.c_str(), MNT_DETACH);
    fs::remove(folder);
  });
  REQUIRE(mount("test", folder.c_str(), "tmpfs", MS_NOEXEC, nullptr) == 0);
  const std::string program = folder + "/shell";
  fs::copy_file("/bin/sh", program);

  auto child = Child::spawn(
      {.program = program, .arguments = {"shell", "-c", "test $0 = shell && exit 42"}, .environment = {}, .fds = {}});
  REQUIRE_MESSAGE(child.has_value(), child.error().message());
  const auto status = child->wait(std::chrono::seconds(20));
  REQUIRE(status.has_value());
  REQUIRE(status->has_value());
  CHECK((*status)->to_string() == "exited with status 42");
}

}  // namespace
}  // namespace wg4
