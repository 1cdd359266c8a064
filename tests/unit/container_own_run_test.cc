#include "netns-helper/container/own_run.h"

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "netns-helper/container/mounts/mounts.h"
#include "netns-helper/container/own_etc.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/own_namespaces.h"
#include "tests/support/in_child.h"
#include "tests/unit/container_support.h"

namespace wg4::container {
namespace {

namespace fs = std::filesystem;

/// Ways out of the tunnel: none of them may be seen.
const std::vector<std::string> services{"nscd/socket",
                                        "systemd/resolve/io.systemd.Resolve",
                                        "systemd/userdb/io.systemd.DynamicUser",
                                        "systemd/private",
                                        "avahi-daemon/socket",
                                        "dbus/system_bus_socket",
                                        "docker.sock",
                                        "podman/podman.sock",
                                        "snapd.socket",
                                        "udev/control",
                                        "user/1000/bus",
                                        "user/1000/systemd/private",
                                        "user/1000/gnupg/S.dirmngr",
                                        "user/1000/podman/podman.sock",
                                        "user/1000/wireguard/wg0.sock",
                                        "user/1000/wireguard4netns/control.sock"};
/// What the desktop needs.
const std::vector<std::string> desktop{"user/1000/wayland-0", "user/1000/pipewire-0", "user/1000/pipewire-0-manager",
                                       "user/1000/pulse/native", "user/1000/gnupg/S.gpg-agent"};
const std::string runtime = "/run/user/1000";

/// A usual /run.
void furnish_run(FakeHost& host) {
  for (const std::string& socket : services) host.run.listen(socket);
  for (const std::string& socket : desktop) host.run.listen(socket);
  host.run.file("user/1000/wayland-0.lock");
  host.run.file("user/1000/.mutter-Xwaylandauth.ABC123", "cookie");
  host.run.file("user/1000/state", "of somebody");
  host.run.listen("user/1000/keyring/ssh");
  host.run.file("sddm/xauth_1", "cookie");
  host.run.file("udev/data/c226:0", "device");
  host.run.folder("lock/lvm");
  host.run.link("/nix/store/abc", "current-system");
  host.run.file("media/me/disk/photo", "photo");
  host.run.mode("user/1000", 0700);
}

Result<std::vector<std::string>> enter_own_run(FakeHost& host, const RunSettings& settings) {
  furnish_run(host);
  TRY(FakeHost::enter());
  return mount_own_run(settings);
}

bool has(const std::vector<std::string>& paths, const std::string& path) {
  return std::ranges::find(paths, path) != paths.end();
}

TEST_CASE("no service of the host is seen, nor one that begins later") {
  on_fake_host([](Findings& findings, FakeHost& host) {
    furnish_run(host);
    for (const std::string& socket : services)
      findings.expect(try_connect("/run/" + socket) == 0, "the test's " + socket + " does not answer");
    findings.expect(FakeHost::enter());
    const auto open = mount_own_run({.runtime_folder = runtime});
    if (!findings.expect(open)) return;
    for (const std::string& socket : services) {
      findings.expect(try_connect("/run/" + socket) == ENOENT, "/run/" + socket + " is there");
      findings.expect(!has(*open, "/run/" + socket), "/run/" + socket + " is called open");
    }
    host.run.remove("nscd/socket");
    for (const char* socket :
         {"nscd/socket", "new/socket", "late.sock", "user/1000/late.sock", "user/1000/wayland-9"}) {
      host.run.listen(socket);
      findings.expect(try_connect(std::string("/run/") + socket) == ENOENT, std::string(socket) + " appears later");
    }
    findings.expect(!exists(runtime + "/state"), "another file of the runtime folder");
  });
}

TEST_CASE("mounts go neither from the host over it, nor from here to the host, where they are shared") {
  on_fake_host([](Findings& findings, FakeHost& host) {
    furnish_run(host);
    host.run.folder("other");
    host.etc.file("group");
    findings.expect(mount(nullptr, "/", nullptr, MS_REC | MS_SHARED, nullptr) == 0, "share all mounts");
    HostStep covers([&host] {
      if (exists("/etc/.host") || try_connect("/run/nscd/socket") != 0) return false;
      for (const char* folder : {"/run/other", "/run", "/etc"})
        if (!mount_tmpfs(folder, 0, "")) return false;
      host.run.listen("other/socket");
      return true;
    });
    findings.expect(FakeHost::enter());
    const auto etc = OwnEtc::create({{"resolv.conf", {.text = "ours"}}});
    const auto open = mount_own_run({.runtime_folder = runtime});
    if (!findings.expect(etc) || !findings.expect(open)) return;
    findings.expect(covers.take(), "the host sees a mount of ours, or cannot mount");
    findings.expect_equal(read_text("/etc/resolv.conf"), std::string("ours"), "resolv.conf");
    findings.expect(exists("/etc/group") && exists("/etc/mtab"), "/etc is another");
    findings.expect(try_connect(runtime + "/wayland-0") == 0, "/run is another");
    findings.expect(!exists("/run/nscd") && !exists("/run/other"), "something of the host's is seen");
  });
}

TEST_CASE("what the desktop needs stays, and is called open") {
  on_fake_host([](Findings& findings, FakeHost& host) {
    const auto open = enter_own_run(
        host, {.runtime_folder = runtime,
               .files = {runtime + "/keyring/ssh", "/run/sddm/xauth_1", "/run/nscd/socket", "", "relative", "/",
                         "/run/user", "/run/user/1000/missing", runtime + "/wireguard4netns/control.sock"}});
    if (!findings.expect(open)) return;
    for (const std::string& socket : desktop) {
      findings.expect(try_connect("/run/" + socket) == 0, "/run/" + socket + " does not answer");
      const std::string shown = socket.ends_with("pulse/native") ? "user/1000/pulse" : socket;
      findings.expect(has(*open, "/run/" + shown), "/run/" + shown + " is not called open");
    }
    findings.expect(try_connect(runtime + "/keyring/ssh") == 0, "the agent does not answer");
    findings.expect(has(*open, runtime + "/keyring/ssh"), "the agent is not called open");
    findings.expect(!exists("/run/nscd") && !exists(runtime + "/wireguard4netns"), "a variable opens a service");
    findings.expect_equal(read_text(runtime + "/.mutter-Xwaylandauth.ABC123"), std::string("cookie"), "X authority");
    findings.expect_equal(read_text("/run/sddm/xauth_1"), std::string("cookie"), "X authority of a display manager");
    findings.expect_equal(read_text("/run/udev/data/c226:0"), std::string("device"), "udev's data");
    findings.expect_equal(read_text("/run/media/me/disk/photo"), std::string("photo"), "a disk");
    findings.expect_equal(read_link("/run/current-system"), std::string("/nix/store/abc"), "current-system");
  });
}

TEST_CASE("the runtime folder and /run/lock are new, and can be written to") {
  on_fake_host([](Findings& findings, FakeHost& host) {
    const mode_t mask = umask(077);
    const auto open = enter_own_run(host, {.runtime_folder = runtime});
    umask(mask);
    if (!findings.expect(open)) return;
    struct stat status{};
    findings.expect(stat(runtime.c_str(), &status) == 0 && status.st_uid == geteuid(),
                    "the owner of the runtime folder");
    findings.expect(mode_of(runtime) == 0700, "the mode of the runtime folder");
    findings.expect(mkdir((runtime + "/mine").c_str(), 0700) == 0, "the runtime folder cannot be written to");
    findings.expect(mode_of("/run") == 0755 && mode_of("/run/user") == 0755, "the mode of /run");
    findings.expect(mode_of("/run/lock") == 01777 && !exists("/run/lock/lvm"), "/run/lock is the host's");
    findings.expect(mkdir("/run/udev/data/new", 0755) != 0 && errno == EROFS, "udev's data can be written to");
    findings.expect(mkdir((runtime + "/pulse/new").c_str(), 0755) != 0 && errno == EROFS, "pulse can be written to");
    findings.expect(mkdir("/run/media/me/disk/new", 0755) == 0, "a disk cannot be written to");
  });
}

TEST_CASE("the buses are there only if they are asked for") {
  on_fake_host([](Findings& findings, FakeHost& host) {
    const auto open = enter_own_run(host, {.runtime_folder = runtime, .session_bus = true, .system_bus = true});
    if (!findings.expect(open)) return;
    for (const std::string bus : {"/run/dbus/system_bus_socket", "/run/user/1000/bus"}) {
      findings.expect(try_connect(bus) == 0, bus + " does not answer");
      findings.expect(has(*open, bus), bus + " is not called open");
    }
    findings.expect(!exists("/run/nscd") && !exists(runtime + "/systemd"), "a bus opens more than itself");
  });
}

TEST_CASE("nothing of it can be taken off by a process without rights here") {
  on_fake_host([](Findings& findings, FakeHost& host) {
    const auto open = enter_own_run(host, {.runtime_folder = runtime});
    if (!findings.expect(open)) return;
    findings.expect(make_own_namespaces_as_same_user(CLONE_NEWNS, "make namespaces"));
    findings.expect(umount2("/run", MNT_DETACH) != 0, "/run can be taken off");
    findings.expect(umount2("/run/udev/data", MNT_DETACH) != 0, "/run/udev/data can be taken off");
    findings.expect(!copy_mount("/").has_value(), "the root can be copied without what covers parts of it");
    findings.expect(try_connect("/run/nscd/socket") == ENOENT, "nscd is there");
  });
}

TEST_CASE("a /var/run of its own is covered, too, with the runtime folder in it") {
  on_fake_host([](Findings& findings, FakeHost&) {
    if (!findings.expect(mount_tmpfs("/var", 0, ""))) return;
    findings.expect(mkdir("/var/run", 0755) == 0, "mkdir");
    HostFolder other("/var/run");
    other.listen("nscd/socket");
    other.listen("user/1000/wayland-0");
    findings.expect(FakeHost::enter());
    const auto open = mount_own_run({.runtime_folder = "/var/run/user/1000"});
    if (!findings.expect(open)) return;
    findings.expect(try_connect("/var/run/nscd/socket") == ENOENT, "nscd is there");
    findings.expect(try_connect("/var/run/user/1000/wayland-0") == 0, "wayland is not there");
    findings.expect(mode_of("/var/run/user/1000") == 0700, "the mode of the runtime folder");
  });
}

TEST_CASE("a /var/run at which the same folder is mounted is covered, too") {
  on_fake_host([](Findings& findings, FakeHost& host) {
    if (!findings.expect(mount_tmpfs("/var", 0, ""))) return;
    host.run.listen("nscd/socket");
    findings.expect(mkdir("/var/run", 0755) == 0, "mkdir");
    findings.expect(mount("/run", "/var/run", nullptr, MS_BIND, nullptr) == 0, "bind");
    findings.expect(try_connect("/var/run/nscd/socket") == 0, "the test's nscd does not answer");
    findings.expect(FakeHost::enter());
    if (!findings.expect(mount_own_run({.runtime_folder = runtime}))) return;
    findings.expect(try_connect("/var/run/nscd/socket") == ENOENT, "nscd is there");
    findings.expect(mode_of("/var/run/user/1000") == 0700, "the runtime folder is not there");
  });
}

TEST_CASE("of a runtime folder that is elsewhere only our own folders are hidden") {
  on_fake_host([](Findings& findings, FakeHost& host) {
    host.run.listen("nscd/socket");
    HostFolder tmp("/tmp");
    tmp.file("runtime/wireguard/wg0.sock");
    tmp.file("runtime/state", "mine");
    findings.expect(FakeHost::enter());
    const auto open = mount_own_run({.runtime_folder = "/tmp/runtime"});
    if (!findings.expect(open)) return;
    findings.expect(has(*open, "/tmp/runtime"), "the runtime folder is not called open");
    findings.expect_equal(read_text("/tmp/runtime/state"), std::string("mine"), "another file");
    findings.expect(!exists("/tmp/runtime/wireguard/wg0.sock"), "a socket of ours is there");
    tmp.file("runtime/wireguard4netns/late");
    findings.expect(!exists("/tmp/runtime/wireguard4netns/late"), "a file of ours appears later");
    findings.expect(!exists("/run/nscd"), "nscd is there");
  });
}

TEST_CASE("without a runtime folder there is none") {
  on_fake_host([](Findings& findings, FakeHost& host) {
    furnish_run(host);
    for (const char* folder : {"", "relative", "/run", "/var/run/"}) {
      findings.expect(FakeHost::enter());
      const auto open = mount_own_run({.runtime_folder = folder});
      if (!findings.expect(open)) return;
      findings.expect(!exists("/run/user") && !exists("/run/wireguard"), std::string(folder) + " is a runtime folder");
    }
  });
}

TEST_CASE("a hidden folder is empty, and stays so") {
  on_fake_host([](Findings& findings, FakeHost&) {
    HostFolder home("/tmp");
    home.file("full/profile", "key");
    home.file("linked/profile", "key");
    home.link("linked", "link");
    findings.expect(FakeHost::enter());
    for (const char* folder : {"/tmp/full", "/tmp/link", "/tmp/new/deep/folder"}) {
      const auto hidden = hide_folder(folder);
      if (!findings.expect(hidden)) return;
      findings.expect(*hidden && fs::is_empty(folder), std::string(folder) + " is not hidden");
      findings.expect(mkdir((std::string(folder) + "/x").c_str(), 0700) != 0 && errno == EROFS, "it can be written to");
    }
    home.file("new/deep/folder/late", "key");
    findings.expect(!exists("/tmp/new/deep/folder/late"), "a file appears later");
    findings.expect(!exists("/tmp/linked/profile"), "the folder behind a link is seen");
    findings.expect(rename("/tmp/full", "/tmp/other") != 0 && errno == EBUSY, "the hidden folder can be moved");

    home.link("nowhere", "dangling");
    const auto dangling = hide_folder("/tmp/dangling");
    findings.expect(!dangling && dangling.error().message().find("/tmp/dangling") != std::string::npos,
                    "a link to nowhere is hidden");
    const auto cannot = hide_folder("/tmp/full/new");
    findings.expect(cannot.has_value() && !*cannot, "a folder that nobody can make is hidden");
  });
}

TEST_CASE("an error of a /run of its own names what was refused") {
  on_fake_host([](Findings& findings, FakeHost& host) {
    furnish_run(host);
    findings.expect(FakeHost::enter());
    const int status = in_child([] {
      if (!make_own_namespaces_as_same_user(0, "make a user namespace")) return 1;
      const auto run = mount_own_run({.runtime_folder = runtime});
      const auto folder = hide_folder("/tmp");
      const auto names = [](const auto& result, const char* path) {
        return !result && result.error().number == EPERM && result.error().message().find(path) != std::string::npos;
      };
      return names(run, "/run") && names(folder, "/tmp") ? 0 : 2;
    });
    findings.expect(exit_status(status) == 0, "a /run of its own without rights");
  });
}

}  // namespace
}  // namespace wg4::container
