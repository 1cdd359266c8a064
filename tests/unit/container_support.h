#pragma once
// A host to try mounts on: a process in namespaces of its own, with an /etc and a /run that are made for the test. The
// same process is then also the one inside, for it keeps the host's folders as descriptors.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "netns-helper/container/mounts/mounts.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/own_namespaces.h"
#include "tests/support/in_child.h"
#include "tests/support/machine.h"

namespace wg4::container {

/// What a test in another process finds wrong, one line each.
class Findings {
 public:
  void expect(bool holds, const std::string& what) {
    if (!holds) text_ += what + "\n";
  }
  template <class T>
  bool expect(const Result<T>& result) {
    if (!result) text_ += result.error().message() + "\n";
    return result.has_value();
  }
  template <class T>
  void expect_equal(const T& found, const T& wanted, const std::string& what) {
    expect(found == wanted, what + ": \"" + found + "\" instead of \"" + wanted + "\"");
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

inline std::string read_text(const std::string& path) {
  std::ifstream file(path);
  if (!file) return "(no " + path + ")";
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline std::string read_link(const std::string& path) {
  std::array<char, 4096> text{};
  const ssize_t size = readlink(path.c_str(), text.data(), text.size());
  return size < 0 ? "(no link)" : std::string(text.data(), static_cast<std::size_t>(size));
}

inline bool exists(const std::string& path) {
  struct stat status{};
  return lstat(path.c_str(), &status) == 0;
}

inline mode_t mode_of(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

/// 0, or the errno of connecting to the socket.
inline int try_connect(const std::string& path) {
  const UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
  return connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

/// Ends a process that cannot go on with its test: an assertion would go on with all other tests, as it throws.
inline void need(bool holds) {
  if (holds) return;
  std::perror("a step of the test");
  constexpr int status = 9;
  _exit(status);
}

/// A folder of the host's, which is used by its descriptor: so it also is from inside.
class HostFolder {
 public:
  explicit HostFolder(const char* path) {
    if (mount("host", path, "tmpfs", 0, "mode=0755") == 0)
      fd_ = UniqueFd(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  [[nodiscard]] bool valid() const { return fd_.valid(); }

  /// Makes the folders on the way, too, as do the others.
  void file(const std::string& name, const std::string& text = "host's") const {
    make_parents(name);
    const UniqueFd made(openat(fd_.get(), name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    need(write(made.get(), text.data(), text.size()) == std::ssize(text));
  }
  void link(const std::string& text, const std::string& name) const {
    make_parents(name);
    need(symlinkat(text.c_str(), fd_.get(), name.c_str()) == 0);
  }
  void folder(const std::string& name, mode_t mode = 0755) const {
    make_parents(name);
    mkdirat(fd_.get(), name.c_str(), mode);
  }
  void remove(const std::string& name) const { need(unlinkat(fd_.get(), name.c_str(), 0) == 0); }
  void rename(const std::string& from, const std::string& to) const {
    need(renameat(fd_.get(), from.c_str(), fd_.get(), to.c_str()) == 0);
  }
  /// As package managers and daemons do it.
  void replace(const std::string& name, const std::string& text) const {
    file(name + ".new", text);
    rename(name + ".new", name);
  }
  /// A socket that accepts.
  void listen(const std::string& name) {
    make_parents(name);
    need(fchdir(fd_.get()) == 0);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), std::min(name.size(), sizeof address.sun_path - 1));
    need(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    need(::listen(fd, 1) == 0);
    need(chdir("/") == 0);
    sockets_.emplace_back(fd);
  }
  [[nodiscard]] bool has(const std::string& name) const {
    struct stat status{};
    return fstatat(fd_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  }
  [[nodiscard]] std::string text(const std::string& name) const {
    const UniqueFd file(openat(fd_.get(), name.c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 4096> bytes{};
    const ssize_t size = read(file.get(), bytes.data(), bytes.size());
    return size < 0 ? "(no " + name + ")" : std::string(bytes.data(), static_cast<std::size_t>(size));
  }
  void mode(const std::string& name, mode_t mode) const { need(fchmodat(fd_.get(), name.c_str(), mode, 0) == 0); }

 private:
  void make_parents(const std::string& name) const {
    for (auto slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1))
      mkdirat(fd_.get(), name.substr(0, slash).c_str(), 0755);
  }

  UniqueFd fd_;
  std::vector<UniqueFd> sockets_;
};

struct FakeHost {
  HostFolder etc{"/etc"};
  HostFolder run{"/run"};
  [[nodiscard]] bool valid() const { return etc.valid() && run.valid(); }

  /// Goes inside: this process has all rights over mounts there, and none on the host.
  [[nodiscard]] static Result<void> enter() {
    TRY(make_own_namespaces_as_same_user(CLONE_NEWNS, "make a mount namespace"));
    return keep_mounts_here();
  }
};

/// A process that stays on the host, for a step that is taken once this one is inside. Forked when it is made.
class HostStep {
 public:
  template <class Step>
  explicit HostStep(const Step& step) {
    std::array<int, 2> ends{};
    need(pipe2(ends.data(), O_CLOEXEC) == 0);
    begin_ = UniqueFd(ends[1]);
    const UniqueFd reader(ends[0]);
    process_ = fork();
    if (process_ != 0) return;
    begin_.reset();
    char byte = 0;
    _exit(read(reader.get(), &byte, 1) == 1 && step() ? 0 : 1);
  }
  HostStep(const HostStep&) = delete;
  HostStep& operator=(const HostStep&) = delete;
  ~HostStep() { static_cast<void>(take()); }
  /// Whether the step succeeded.
  [[nodiscard]] bool take() {
    if (!begin_.valid()) return false;
    const bool begun = write(begin_.get(), "x", 1) == 1;
    begin_.reset();
    int status = -1;
    return begun && waitpid(process_, &status, 0) == process_ && exit_status(status) == 0;
  }

 private:
  UniqueFd begin_;
  pid_t process_ = -1;
};

inline constexpr uid_t as_is = static_cast<uid_t>(-1);

/// Becomes an ordinary user, as whom this process may still write its own maps of ids.
inline bool become(uid_t user) {
  return user == as_is ||
         (setresgid(user, user, user) == 0 && setresuid(user, user, user) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0);
}

/// What this machine lacks for such a host: empty if nothing.
inline const char* no_fake_host() {
  static const bool possible = exit_status(in_child([] {
                                 if (!make_own_namespaces_as_same_user(CLONE_NEWNS, "")) return 1;
                                 if (!make_mounts_private() || !FakeHost().valid()) return 1;
                                 return copy_tree("/etc").has_value() ? 0 : 1;
                               })) == 0;
  return possible ? "" : "no mount namespaces, or no open_tree(2)";
}

/// Runs `body`, which takes Findings& and FakeHost&, on such a host, as this user and, for root, as another one. Its
/// findings are the test's.
template <class Body>
void on_fake_host(const Body& body) {
  if (*no_fake_host() != '\0') return say_skipped(no_fake_host());
  std::vector<uid_t> users{as_is};
  constexpr uid_t some_user = 12345;
  if (geteuid() == 0) users.push_back(some_user);
  for (const uid_t user : users) {
    CAPTURE(user);
    std::array<int, 2> pipe_ends{};
    REQUIRE(pipe2(pipe_ends.data(), O_CLOEXEC) == 0);
    const UniqueFd reader(pipe_ends[0]);
    UniqueFd writer(pipe_ends[1]);
    const int status = in_child([&] {
      if (!become(user)) return 2;
      if (!make_own_namespaces_as_same_user(CLONE_NEWNS, "") || !make_mounts_private()) return 3;
      FakeHost host;
      if (!host.valid()) return 4;
      Findings findings;
      body(findings, host);
      const std::string text = findings.text().substr(0, 4000);  // what a pipe takes without a reader
      return write(writer.get(), text.data(), text.size()) == std::ssize(text) ? 0 : 5;
    });
    writer.reset();
    std::array<char, 4096> found{};
    const ssize_t size = read(reader.get(), found.data(), found.size());
    CHECK(exit_status(status) == 0);
    CHECK(std::string(found.data(), size > 0 ? static_cast<std::size_t>(size) : 0) == "");
  }
}

}  // namespace wg4::container
