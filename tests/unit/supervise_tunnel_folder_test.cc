// The folder of a tunnel that commands run in: its names, its lock, its socket.

#include <doctest/doctest.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "shared/sys/deadline.h"
#include "shared/sys/own_folder.h"
#include "tests/support/temporary_folder.h"
#include "wg4netns/supervise/tunnel_folder.h"

namespace wg4 {
namespace {

using std::chrono::milliseconds;

struct Runtime {
  TemporaryFolder folder;
  std::vector<std::string> folders{folder.path()};

  [[nodiscard]] TunnelFolder open(const std::string& name) const {
    auto opened = TunnelFolder::open(name, IfMissing::make, folders);
    REQUIRE(opened);
    return *std::move(opened);
  }
  [[nodiscard]] bool has(const std::string& file) const {
    return std::filesystem::exists(std::filesystem::path(folder.path()) / "wireguard4netns" / "ns" / file);
  }
};

TEST_CASE("a name is a word that an interface could have") {
  for (const char* name : {"a", "work", "wg0", "a.b", "x_=+.-y", "123456789012345"})
    CHECK_MESSAGE(TunnelFolder::check_name(name), name);
  for (const char* name : {"", ".", "..", ".a", "-a", "a/b", "../a", "a b", "a\n", "1234567890123456", "\xc3\xa9"})
    CHECK_FALSE_MESSAGE(TunnelFolder::check_name(name), name);
}

TEST_CASE("without a folder for it there is a next step") {
  const auto opened = TunnelFolder::open("work", IfMissing::make, {});
  REQUIRE_FALSE(opened);
  CHECK(opened.error().hint.find("XDG_RUNTIME_DIR") != std::string::npos);
  CHECK(TunnelFolder::names({}).empty());
}

TEST_CASE("one that is missing is made, or not") {
  const Runtime runtime;
  const auto opened = TunnelFolder::open("work", IfMissing::fail, runtime.folders);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().number == ENOENT);
  CHECK_FALSE(runtime.has("work"));
  static_cast<void>(runtime.open("work"));
  static_cast<void>(runtime.open("home"));
  CHECK(TunnelFolder::names(runtime.folders) == std::vector<std::string>{"home", "work"});
}

TEST_CASE("the lock has one owner") {
  const Runtime runtime;
  TunnelFolder first = runtime.open("work");
  TunnelFolder second = runtime.open("work");
  CHECK(*first.try_lock());
  CHECK_FALSE(*second.try_lock());
  const auto late = second.lock(deadline_in(milliseconds(20)));
  REQUIRE_FALSE(late);
  CHECK(late.error().what.find("work") != std::string::npos);
  first.unlock();
  CHECK(second.lock(deadline_in(milliseconds(20))));
}

TEST_CASE("a lock on a folder that was removed is one on the new folder") {
  const Runtime runtime;
  TunnelFolder last = runtime.open("work");
  TunnelFolder next = runtime.open("work");
  CHECK(*last.try_lock());
  last.remove();
  last.unlock();
  CHECK_FALSE(runtime.has("work"));
  CHECK(next.lock(deadline_in(milliseconds(20))));
  CHECK(runtime.has("work"));
  CHECK_FALSE(*runtime.open("work").try_lock());
}

TEST_CASE("a folder that was removed does not take the next one of its name along") {
  const Runtime runtime;
  TunnelFolder last = runtime.open("work");
  TunnelFolder late = runtime.open("work");
  last.remove();
  const TunnelFolder next = runtime.open("work");
  CHECK(*late.try_lock());
  late.remove();
  CHECK(runtime.has("work"));
}

TEST_CASE("a keeper is found while it lives") {
  const Runtime runtime;
  TunnelFolder folder = runtime.open("work");
  CHECK_FALSE(folder.connect()->valid());
  CHECK_FALSE(folder.has_socket());
  {
    const auto listener = folder.listen();
    REQUIRE(listener);
    CHECK(folder.connect()->valid());
  }
  CHECK(folder.has_socket());
  CHECK_FALSE(folder.connect()->valid());
  const auto next = folder.listen();
  CHECK(folder.connect()->valid());
  folder.remove();
  CHECK_FALSE(runtime.has("work"));
}

TEST_CASE("a long path is no obstacle") {
  const Runtime runtime;
  const std::string deep = runtime.folder.path() + "/" + std::string(120, 'x');
  std::filesystem::create_directory(deep);
  const auto folder = TunnelFolder::open("work", IfMissing::make, {deep});
  REQUIRE(folder);
  const auto listener = folder->listen();
  REQUIRE(listener);
  CHECK(folder->connect()->valid());
}

TEST_CASE("a folder that others can write to is refused") {
  const Runtime runtime;
  static_cast<void>(runtime.open("work"));
  const std::string path = runtime.folder.path() + "/wireguard4netns/ns/work";
  std::filesystem::permissions(path, std::filesystem::perms::all);
  CHECK_FALSE(TunnelFolder::open("work", IfMissing::fail, runtime.folders));
}

}  // namespace
}  // namespace wg4
