#include "netns-helper/container/filter/presets.h"
#include "netns-helper/container/words/words.h"
#include "shared/sys/process.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "netns-helper/container/container.h"
#include "netns-helper/container/filter/choice.h"
#include "netns-helper/container/operations/operation.h"
#include "netns-helper/container/words/capability_names.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/pipe.h"

namespace wg4::container {
namespace {

using Line = std::vector<std::string>;

Result<Contained> parse(const Line& line) {
  Words words;
  const auto command = TRY(words.take_line(line));
  return std::move(words).finish(command);
}

/// Of a line whose command is "true".
Container container_of(Line line) {
  line.insert(line.end(), {"--", "true"});
  auto contained = parse(line);
  if (!contained) FAIL(contained.error().message());
  return std::move(contained->container);
}

std::vector<Operation> operations_of(const Line& line) { return container_of(line).operations; }

std::string error_of(const Line& line) {
  const auto contained = parse(line);
  return contained ? "no error" : contained.error().message();
}

/// A descriptor with this text behind it, which the parser closes.
std::string fd_with(const std::string& text) {
  Pipe pipe = *make_pipe();
  REQUIRE(write(pipe.writer.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  return std::to_string(pipe.reader.release());
}

TEST_CASE("a line begins as bubblewrap does") {
  const Container container = container_of({});
  CHECK(container.arguments == Line{"true"});
  CHECK(container.uid == geteuid());
  CHECK(container.gid == getegid());
  CHECK(container.host_network);
  CHECK(container.retain_session);
  CHECK(container.operations.empty());
  CHECK(container.directory == std::filesystem::current_path().string());
  CHECK(container.else_directories.back() == "/");
  CHECK(container.environment == own_environment());
  CHECK(container.adopt_wait_delay.count() < 0);
}

TEST_CASE("the command is what follows") {
  const auto command = [](const Line& line) { return parse(line)->container.arguments; };
  CHECK(command({"ls", "--all"}) == Line{"ls", "--all"});
  CHECK(command({"--dir", "/x", "ls", "-l"}) == Line{"ls", "-l"});
  CHECK(command({"--", "--odd"}) == Line{"--odd"});
  const Container renamed = parse({"--argv0", "name", "ls", "-l"})->container;
  CHECK(renamed.path == "ls");
  CHECK(renamed.arguments == Line{"name", "-l"});
  CHECK(error_of({"--dir", "/x"}) == "there is no command to run. It is what follows the options: ... -- COMMAND");
}

TEST_CASE("what the host has is shown in the order of the words") {
  CHECK(operations_of({"--ro-bind", "/a", "/b", "--bind", "/c", "d", "--dev-bind-try", "/e", "/f", "--ro-bind-try",
                       "/g", "/h", "--dev-bind", "/i", "/j", "--bind-try", "/k", "/l"}) ==
        std::vector<Operation>{Bind{.source = "/a", .target = "/b"},
                               Bind{.source = "/c", .target = "/d", .writable = true},
                               Bind{.source = "/e", .target = "/f", .writable = true, .device = true, .optional = true},
                               Bind{.source = "/g", .target = "/h", .optional = true},
                               Bind{.source = "/i", .target = "/j", .writable = true, .device = true},
                               Bind{.source = "/k", .target = "/l", .writable = true, .optional = true}});
  const auto relative = operations_of({"--bind", "x", "/x"});
  CHECK(std::get<Bind>(relative[0]).source == (std::filesystem::current_path() / "x").string());
  const UniqueFd root(open("/", O_PATH | O_CLOEXEC));
  const std::string number = std::to_string(root.get());
  CHECK(operations_of({"--bind-fd", number, "/x", "--ro-bind-fd", number, "/y"}) ==
        std::vector<Operation>{Bind{.source = "", .target = "/x", .descriptor = root.get(), .writable = true},
                               Bind{.source = "", .target = "/y", .descriptor = root.get()}});
}

TEST_CASE("what is made") {
  CHECK(operations_of({"--proc", "/proc",        "--dev",   "/dev",    "--sys", "/sys", "--mqueue",
                       "/m",     "--symlink",    "usr/bin", "/bin",    "--dir", "/d",   "--tmpfs",
                       "/t",     "--remount-ro", "/d",      "--chmod", "0700",  "/t"}) ==
        std::vector<Operation>{Proc{}, Dev{.writable = true, .console = true}, Sysfs{}, Mqueue{"/m"},
                               Link{.target = "/bin", .text = "usr/bin"}, Mkdir{.target = "/d"}, Tmpfs{.target = "/t"},
                               Remount{.target = "/d"}, Chmod{.target = "/t", .mode = 0700}});
}

TEST_CASE("--perms and --size are for the next one alone") {
  CHECK(operations_of({"--perms", "0700", "--dir", "/a", "--dir", "/b", "--size", "4096", "--perms", "1777", "--tmpfs",
                       "/c", "--tmpfs", "/d"}) ==
        std::vector<Operation>{Mkdir{.target = "/a", .mode = 0700}, Mkdir{.target = "/b"},
                               Tmpfs{.target = "/c", .size = 4096, .mode = 01777}, Tmpfs{.target = "/d"}});
  CHECK(error_of({"--perms", "0700", "--proc", "/p", "true"}) ==
        "--perms is for --dir, --tmpfs, --file and --bind-data, and not for --proc");
  CHECK(error_of({"--size", "1", "--dir", "/p", "true"}) == "--size is for --tmpfs, and not for --dir");
  CHECK(error_of({"--perms", "0700", "true"}) ==
        "--perms, --size and --overlay-src are for an option that follows them");
  CHECK(error_of({"--perms", "0700", "--perms", "0700", "--dir", "/x", "true"}) ==
        "--perms is given twice for one option");
  CHECK(error_of({"--perms", "0789", "--dir", "/x", "true"}) ==
        "--perms 0789: it is not a mode in octal digits, such as 0755");
  CHECK(error_of({"--size", "0", "--tmpfs", "/x", "true"}).starts_with("--size 0: it is not a number from 1 to "));
}

TEST_CASE("files from descriptors") {
  CHECK(operations_of({"--file", fd_with(std::string("a\0b", 3)), "/a", "--perms", "0644", "--bind-data", fd_with("b"),
                       "/b", "--ro-bind-data", fd_with(""), "/c"}) ==
        std::vector<Operation>{
            Place{.target = "/a", .bytes = std::string("a\0b", 3), .mode = 0666, .as = Place::As::file},
            Place{.target = "/b", .bytes = "b", .mode = 0644, .as = Place::As::mount},
            Place{.target = "/c", .bytes = "", .mode = 0600, .as = Place::As::read_only_mount}});
  CHECK(error_of({"--file", "1000", "/x", "true"}) == "--file 1000, a descriptor: Bad file descriptor");
  CHECK(error_of({"--file", "x", "/x", "true"}).starts_with("--file x: it is not a number"));
}

TEST_CASE("overlays: the last layer is the uppermost") {
  CHECK(
      operations_of({"--overlay-src", "/a", "--overlay-src", "/b", "--ro-overlay", "/x", "--overlay-src", "/a",
                     "--tmp-overlay", "/y", "--overlay-src", "/a", "--overlay", "/rw", "/work", "/z"}) ==
      std::vector<Operation>{
          Overlay{.target = "/x", .lower = {"/b", "/a"}, .writes = Overlay::Writes::refused, .upper = "", .work = ""},
          Overlay{.target = "/y", .lower = {"/a"}, .writes = Overlay::Writes::to_memory, .upper = "", .work = ""},
          Overlay{
              .target = "/z", .lower = {"/a"}, .writes = Overlay::Writes::to_upper, .upper = "/rw", .work = "/work"}});
  CHECK(error_of({"--tmp-overlay", "/x", "true"}) == "--tmp-overlay needs an --overlay-src before it");
  CHECK(error_of({"--overlay-src", "/a", "--ro-overlay", "/x", "true"}) ==
        "--ro-overlay needs two --overlay-src before it");
  CHECK(error_of({"--overlay-src", "/a", "--dir", "/x", "true"}).ends_with("and not for --dir"));
}

TEST_CASE("who it is") {
  const Container container = container_of({"--uid",
                                            "7",
                                            "--gid=8",
                                            "--hostname",
                                            "box",
                                            "--chdir",
                                            "/x",
                                            "--new-session",
                                            "--as-pid-1",
                                            "--unshare-all",
                                            "--die-with-parent",
                                            "--forward-cancel",
                                            "--wait-delay",
                                            "2",
                                            "--adopt-wait",
                                            "3",
                                            "--log-denied",
                                            "--multiarch",
                                            "--landlock",
                                            "require",
                                            "--host-abstract"});
  CHECK(container.uid == 7U);
  CHECK(container.gid == 8U);
  CHECK(container.hostname == "box");
  CHECK(container.directory == "/x");
  CHECK(container.else_directories.empty());
  CHECK_FALSE(container.retain_session);
  CHECK(container.as_pid_1);
  CHECK_FALSE(container.host_network);
  CHECK(container.forward_cancel);
  CHECK(container.wait_delay == std::chrono::seconds(2));
  CHECK(container.adopt_wait_delay == std::chrono::seconds(3));
  CHECK(container.log_denied);
  CHECK(container.seccomp_flags.multiarch);
  CHECK(container.landlock.mode == LandlockSettings::Mode::require);
  CHECK(container.host_abstract);
  CHECK(container_of({"--unshare-all", "--share-net"}).host_network);
  CHECK(error_of({"--uid", "4294967295", "true"}).starts_with("--uid 4294967295: it is not a number"));
  CHECK(error_of({"--wait-delay", "31", "true"}) == "--wait-delay 31: it is not a number from 0 to 30");
  CHECK(error_of({"--landlock", "maybe", "true"}) == "--landlock maybe: it is one of auto, require, off");
}

TEST_CASE("variables in their order") {
  CHECK(container_of(
            {"--setenv", "A", "1", "--clearenv", "--unsetenv", "PWD", "--setenv", "B", "2", "--setenv", "B", "3=4"})
            .environment == Line{"B=3=4"});
  CHECK(error_of({"--setenv", "A=B", "1", "true"}) == "--setenv A=B: it is not the name of a variable");
}

TEST_CASE("capabilities by name") {
  CHECK(container_of({"--cap-add", "CAP_NET_ADMIN", "--cap-add", "chown", "--cap-drop", "CAP_CHOWN"}).capabilities ==
        std::uint64_t{1} << CAP_NET_ADMIN);
  CHECK(container_of({"--cap-add", "ALL"}).capabilities == (std::uint64_t{1} << (CAP_CHECKPOINT_RESTORE + 1)) - 1);
  CHECK(*parse_capability("cap_checkpoint_restore") == std::uint64_t{1} << CAP_CHECKPOINT_RESTORE);
  CHECK(*parse_capability("setfcap") == std::uint64_t{1} << CAP_SETFCAP);
  CHECK(error_of({"--cap-add", "CAP_FLY", "true"}) ==
        "there is no capability CAP_FLY. capabilities(7) has their names");
}

TEST_CASE("filters by name or as a program") {
  CHECK(container_of({"--seccomp", "off"}).seccomp.source == filter::Source::off);
  CHECK(container_of({"--seccomp=strict"}).seccomp.presets == filter::strict_presets);
  // "return ALLOW"
  const std::string allow("\x06\0\0\0\0\0\xff\x7f", 8);
  CHECK(container_of({"--seccomp", fd_with(allow), "--add-seccomp-fd", fd_with(allow)}).seccomp_programs.size() == 2);
  CHECK(error_of({"--seccomp", fd_with("x"), "true"}) != "no error");
  CHECK(error_of({"--seccomp", "weird", "true"}) != "no error");
  CHECK(container_of({"--disable-userns"}).seccomp_programs.size() == 1);
}

TEST_CASE("descriptors for the command; a socket of another network only as unsafe") {
  const Pipe pipe = *make_pipe();
  const std::string fd = std::to_string(pipe.reader.get());
  const Container container = container_of({"--fd", fd});
  REQUIRE(container.extra_files.size() == 1);
  CHECK(container.extra_files[0].from == pipe.reader.get());
  CHECK(container.extra_files[0].to == pipe.reader.get());
  CHECK(error_of({"--fd", "1", "true"}) == "--fd 1: the command has descriptors 0, 1 and 2 in any case");
  const UniqueFd inet(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const std::string number = std::to_string(inet.get());
  CHECK(container_of({"--fd", number}).extra_files.size() == 1);
  CHECK(container_of({"--fd", number + ":unsafe", "--unshare-net"}).extra_files.size() == 1);
  CHECK(error_of({"--fd", number, "--unshare-net", "true"}) ==
        fmt::format("--fd {0}: it is a socket of the host's network, by which the command would get around its own. If "
                    "it is to have it: --fd {0}:unsafe",
                    number));
  const UniqueFd local(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK(container_of({"--fd", std::to_string(local.get()), "--unshare-net"}).extra_files.size() == 1);
}

TEST_CASE("descriptors for others, and a cgroup") {
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  const std::string fd = std::to_string(null.get());
  const auto contained = parse({"--info-fd", fd, "--json-status-fd", fd, "--block-fd", fd, "--sync-fd", fd, "true"});
  REQUIRE(contained.has_value());
  CHECK(contained->info_fd == null.get());
  CHECK(contained->json_status_fd == null.get());
  CHECK(contained->block_fd == null.get());
  CHECK(container_of({"--cgroup", fd}).cgroup == null.get());
  const auto folder = parse({"--cgroup", "/tmp", "true"});
  REQUIRE(folder.has_value());
  CHECK(folder->opened.size() == 1);
  CHECK(folder->container.cgroup == folder->opened[0].get());
  CHECK(error_of({"--cgroup", "/nowhere", "true"}) == "--cgroup /nowhere: No such file or directory");
}

TEST_CASE("--args has more words, in its place") {
  const std::string words("--dir\0/b\0--args\0", 16);
  CHECK(operations_of({"--dir", "/a", "--args", fd_with(std::string("--dir\0/b\0", 9)), "--dir", "/c"}) ==
        std::vector<Operation>{Mkdir{.target = "/a"}, Mkdir{.target = "/b"}, Mkdir{.target = "/c"}});
  const std::string inner = fd_with(std::string("--dir\0/x\0", 9));
  CHECK(operations_of({"--args", fd_with(std::string("--args\0", 7) + inner)}) ==
        std::vector<Operation>{Mkdir{.target = "/x"}});
  CHECK(error_of({"--args", fd_with("ls"), "true"}).ends_with(": ls is no option"));
  CHECK(error_of({"--args", fd_with(words), "true"}) == "--args takes 1 argument");
}

TEST_CASE("what was taken has the words behind --args in its place") {
  const auto contained =
      parse({"--perms=0700", "--dir", "/a", "--args", fd_with(std::string("--uid\0007\0", 8)), "true"});
  REQUIRE(contained.has_value());
  Line taken;
  for (const TakenWord& one : contained->taken) {
    taken.push_back(one.word);
    taken.insert(taken.end(), one.arguments.begin(), one.arguments.end());
  }
  CHECK(taken == Line{"perms", "0700", "dir", "/a", "uid", "7"});
}

TEST_CASE("words that are wrong") {
  CHECK(error_of({"--ro-bnd", "/a", "/b", "true"}) == "there is no option --ro-bnd. Is it --ro-bind?");
  CHECK(error_of({"--bind", "/a"}) == "--bind takes 2 arguments");
  CHECK(error_of({"--bind=/a", "/b", "true"}) == "--bind takes no argument after \"=\"");
  CHECK(error_of({"--userns", "3", "true"}) ==
        "bubblewrap's --userns is not supported here. wg4netns-container(1) says what it has");
  CHECK(Words::arguments_of("bind") == 2);
  CHECK_FALSE(Words::arguments_of("bnd").has_value());
}

}  // namespace
}  // namespace wg4::container
