#include "shared/sys/unix_socket.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "shared/base/unique_fd.h"
#include "shared/sys/own_folder.h"

namespace wg4 {
namespace {

namespace fs = std::filesystem;

UniqueFd make_socket() {
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  REQUIRE(fd.valid());
  return fd;
}

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "wg4-sys-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }
  [[nodiscard]] std::string path() const { return path_; }

 private:
  fs::path path_;
};

/// What lock_own_folder() says of a folder with this mode, which is called FOLDER; empty if it takes it.
std::string said_of(fs::perms mode, OthersMay others) {
  const Folder folder;
  fs::permissions(folder.path(), mode);
  const auto locked = lock_own_folder(folder.path(), others);
  if (locked) return "";
  std::string text = locked.error().message();
  for (auto at = text.find(folder.path()); at != std::string::npos; at = text.find(folder.path()))
    text.replace(at, folder.path().size(), "FOLDER");
  return text;
}

TEST_CASE("an address has room for 107 bytes, of a path or of an abstract name") {
  const std::string fits(UnixAddress::max_size, 'x');
  CHECK_EQ(fits.size(), 107);
  CHECK(UnixAddress::of_path(fits).has_value());
  CHECK(UnixAddress::of_abstract_name(fits).has_value());
  for (const std::string& text : {std::string(), fits + "x"}) {
    CHECK_FALSE(UnixAddress::of_path(text).has_value());
    CHECK_FALSE(UnixAddress::of_abstract_name(text).has_value());
  }
}

TEST_CASE("an abstract name has exactly its own bytes") {
  const std::string name = "wg4-test-" + std::to_string(getpid());
  const UniqueFd listener = make_socket();
  REQUIRE(UnixAddress::of_abstract_name(name)->bind(listener.get()));
  REQUIRE_EQ(listen(listener.get(), 1), 0);
  CHECK_FALSE(UnixAddress::of_abstract_name(name + "x")->connect(make_socket().get()));
  CHECK_FALSE(UnixAddress::of_abstract_name(name.substr(1))->connect(make_socket().get()));
  CHECK(UnixAddress::of_abstract_name(name)->connect(make_socket().get()));
}

TEST_CASE("a path is bound and connected to; the peer is known") {
  const Folder folder;
  const auto address = UnixAddress::of_path(folder.path() + "/socket");
  const UniqueFd client = make_socket();
  CHECK_FALSE(address->connect(client.get()));
  CHECK_EQ(errno, ENOENT);
  const UniqueFd listener = make_socket();
  REQUIRE(address->bind(listener.get()));
  CHECK(fs::is_socket(folder.path() + "/socket"));
  REQUIRE_EQ(listen(listener.get(), 1), 0);
  REQUIRE(address->connect(client.get()));
  const auto peer = peer_of(client.get());
  REQUIRE(peer.has_value());
  CHECK_EQ(peer->pid, getpid());
  CHECK_EQ(peer->uid, geteuid());
  CHECK_EQ(describe_peer(client.get()), "process " + std::to_string(getpid()));
  CHECK(is_same_user(client.get()));
}

TEST_CASE("a socket without a peer belongs to another process") {
  const UniqueFd alone = make_socket();
  CHECK_EQ(describe_peer(alone.get()), "another process");
  CHECK_EQ(describe_peer(-1), "another process");
  CHECK_FALSE(peer_of(-1).has_value());
  CHECK_FALSE(is_same_user(alone.get()));
}

TEST_CASE("a folder is made for this user alone, and locked for as long as its descriptor lives") {
  const Folder parent;
  const std::string path = parent.path() + "/made";
  {
    const auto locked = lock_own_folder(path, OthersMay::do_nothing);
    REQUIRE_MESSAGE(locked.has_value(), locked.error().message());
    CHECK(fs::status(path).permissions() == fs::perms(0700));
    const UniqueFd other(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    CHECK_EQ(flock(other.get(), LOCK_EX | LOCK_NB), -1);
    CHECK_EQ(errno, EWOULDBLOCK);
  }
  const UniqueFd other(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  CHECK_EQ(flock(other.get(), LOCK_EX | LOCK_NB), 0);
}

TEST_CASE("a folder that is open to others is an error that says how to close it") {
  const std::string written = "other users can write to the folder FOLDER. chmod 700 FOLDER";
  const std::string open_to_others = "the folder FOLDER is open to other users. chmod 700 FOLDER";
  CHECK_EQ(said_of(fs::perms(0700), OthersMay::do_nothing), "");
  CHECK_EQ(said_of(fs::perms(0755), OthersMay::read), "");
  CHECK_EQ(said_of(fs::perms(0720), OthersMay::read), written);
  CHECK_EQ(said_of(fs::perms(0702), OthersMay::read), written);
  CHECK_EQ(said_of(fs::perms(0710), OthersMay::do_nothing), open_to_others);
  CHECK_EQ(said_of(fs::perms(0704), OthersMay::do_nothing), open_to_others);
}

}  // namespace
}  // namespace wg4
