#include "netns-helper/container/own_etc.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "netns-helper/container/mounts/mounts.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/capabilities.h"
#include "shared/sys/own_namespaces.h"
#include "tests/support/in_child.h"
#include "tests/support/machine.h"
#include "tests/unit/container_support.h"

namespace wg4::container {
namespace {

namespace fs = std::filesystem;

/// A usual /etc.
void furnish_etc(FakeHost& host) {
  host.etc.file("passwd", "old passwd");
  host.etc.file("group");
  host.etc.link("../run/systemd/resolve/stub-resolv.conf", "resolv.conf");
  host.run.file("systemd/resolve/stub-resolv.conf", "nameserver 127.0.0.53\n");
  host.etc.file("hosts", "192.0.2.1 secret.example\n");
  host.etc.file("nsswitch.conf", "passwd: files\nhosts: resolve\n");
  host.etc.file("mtab", "old");
  host.etc.link("../usr/share/zoneinfo/UTC", "localtime");
  host.etc.file("ssl/openssl.cnf", "settings");
  host.etc.link("../../usr", "ssl/usr");
  host.etc.link("../passwd", "ssl/passwd");
  host.etc.file("shadow");
  host.etc.mode("shadow", 0);
  host.etc.file("two\nlines", "odd");
}

/// Mounts an /etc of its own for a usual host, as a process inside.
Result<OwnEtc> enter_own_etc(FakeHost& host) {
  furnish_etc(host);
  TRY(FakeHost::enter());
  const OwnFiles files = TRY(make_name_files({.hostname = "box"}));
  return OwnEtc::create(files);
}

/// Mounts one that is watched.
Result<OwnEtc> enter_watched_etc(FakeHost& host) {
  OwnEtc own = TRY(enter_own_etc(host));
  TRY(own.watch());
  TRY(own.follow());
  return own;
}

/// Follows until there are no more changes.
void follow_all(Findings& findings, OwnEtc& own) {
  for (pollfd entry{own.changes(), POLLIN, 0}; poll(&entry, 1, 0) == 1;) {
    if (!findings.expect(own.follow())) return;
  }
}

TEST_CASE("an /etc of its own has the host's entries, and its own files for names") {
  on_fake_host([](Findings& findings, FakeHost& host) {
    const mode_t mask = umask(077);
    const auto own = enter_own_etc(host);
    umask(mask);
    if (!findings.expect(own)) return;
    findings.expect_equal(read_text("/etc/passwd"), std::string("old passwd"), "passwd");
    findings.expect_equal(read_text("/etc/ssl/openssl.cnf"), std::string("settings"), "ssl/openssl.cnf");
    findings.expect_equal(read_text("/etc/two\nlines"), std::string("odd"), "a name of two lines");
    findings.expect_equal(read_text("/etc/nsswitch.conf"), std::string("passwd: files\nhosts: files dns\n"),
                          "nsswitch");
    findings.expect(read_text("/etc/resolv.conf").starts_with("# Names do not resolve"), "resolv.conf is not ours");
    findings.expect(read_text("/etc/hosts").find("secret.example") == std::string::npos, "hosts is the host's");
    findings.expect_equal(read_link("/etc/resolv.conf"), std::string("(no link)"), "resolv.conf");
    findings.expect_equal(read_link("/etc/localtime"), std::string("../usr/share/zoneinfo/UTC"), "localtime");
    findings.expect_equal(read_link("/etc/mtab"), std::string("../proc/self/mounts"), "mtab");
    for (const char* file : {"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf"})
      findings.expect(mode_of(file) == 0644, std::string(file) + " cannot be read by others");
    findings.expect(mode_of("/etc") == 0755 && mode_of("/etc/.host/etc") == 0755, "/etc cannot be read by others");
  });
}

TEST_CASE("links that leave a folder of /etc lead where they lead on the host") {
  on_fake_host([](Findings& findings, FakeHost& host) {
    if (!findings.expect(enter_own_etc(host))) return;
    findings.expect(fs::equivalent("/etc/ssl/usr", "/usr"), "../../usr is not /usr");
    findings.expect_equal(read_text("/etc/ssl/passwd"), std::string("old passwd"), "../passwd");
  });
}

TEST_CASE("a file that the host replaces, adds or removes is seen") {
  on_fake_host([](Findings& findings, FakeHost& host) {
    auto own = enter_watched_etc(host);
    if (!findings.expect(own)) return;
    host.etc.replace("passwd", "new passwd");
    findings.expect_equal(read_text("/etc/passwd"), std::string("new passwd"), "before the folder is followed");

    host.etc.file("added", "added");
    host.etc.folder("added.d");
    host.etc.file("odd \n name", "odd");
    host.etc.remove("group");
    host.etc.rename("shadow", "shadow-");
    follow_all(findings, *own);
    findings.expect_equal(read_text("/etc/added"), std::string("added"), "added");
    findings.expect_equal(read_text("/etc/odd \n name"), std::string("odd"), "an odd name");
    findings.expect(fs::is_directory("/etc/added.d"), "an added folder is not seen");
    findings.expect(!exists("/etc/group"), "a removed file is seen");
    findings.expect(!exists("/etc/shadow") && exists("/etc/shadow-"), "a renamed file");
    findings.expect_equal(read_text("/etc/passwd"), std::string("new passwd"), "passwd");
  });
}

TEST_CASE("changes from before the watch, or without one, are taken over") {
  on_fake_host([](Findings& findings, FakeHost& host) {
    auto own = enter_own_etc(host);
    if (!findings.expect(own)) return;
    host.etc.file("added", "added");
    host.etc.remove("group");
    findings.expect(own->changes() < 0 && !exists("/etc/added"), "there is a watch already");
    findings.expect(own->follow());
    findings.expect_equal(read_text("/etc/added"), std::string("added"), "added without a watch");
    findings.expect(!exists("/etc/group"), "a file removed without a watch is seen");

    host.etc.file("before", "before");
    findings.expect(own->watch());
    host.etc.remove("added");
    findings.expect(own->follow());
    findings.expect_equal(read_text("/etc/before"), std::string("before"), "added before the watch");
    findings.expect(!exists("/etc/added"), "a file removed after the beginning of the watch is seen");
    host.etc.file("later", "later");
    follow_all(findings, *own);
    findings.expect_equal(read_text("/etc/later"), std::string("later"), "added with a watch");
  });
}

TEST_CASE("what becomes a link on the host, or ceases to be one, does so inside") {
  on_fake_host([](Findings& findings, FakeHost& host) {
    auto own = enter_watched_etc(host);
    if (!findings.expect(own)) return;
    host.etc.link("../usr/lib/group", "group.new");
    host.etc.rename("group.new", "group");
    host.etc.replace("localtime", "a copy");
    follow_all(findings, *own);
    findings.expect_equal(read_link("/etc/group"), std::string("../usr/lib/group"), "group");
    findings.expect_equal(read_text("/etc/localtime"), std::string("a copy"), "localtime");
    host.etc.link("../usr/share/zoneinfo/Etc/GMT", "localtime.new");
    host.etc.rename("localtime.new", "localtime");
    follow_all(findings, *own);
    findings.expect_equal(read_link("/etc/localtime"), std::string("../usr/share/zoneinfo/Etc/GMT"), "localtime");
    findings.expect(!exists("/etc/.host/new"), "a link is left");
  });
}

TEST_CASE("files of ours stay, whatever the host does to its own") {
  on_fake_host([](Findings& findings, FakeHost& host) {
    auto own = enter_watched_etc(host);
    if (!findings.expect(own)) return;
    const std::string ours = read_text("/etc/resolv.conf");
    host.etc.replace("resolv.conf", "nameserver 192.0.2.53\n");
    host.etc.replace("nsswitch.conf", "hosts: resolve\n");
    host.etc.remove("hosts");
    host.etc.remove("mtab");
    host.etc.file(".host");
    follow_all(findings, *own);
    findings.expect_equal(read_text("/etc/resolv.conf"), ours, "resolv.conf");
    findings.expect(read_text("/etc/nsswitch.conf").ends_with("hosts: files dns\n"), "nsswitch.conf is the host's");
    findings.expect(exists("/etc/hosts") && exists("/etc/mtab"), "a file of ours is gone");
    findings.expect_equal(read_text("/etc/passwd"), std::string("old passwd"), "passwd");
  });
}

TEST_CASE("a host that changes more than the kernel keeps for us is read again") {
  on_fake_host([](Findings& findings, FakeHost& host) {
    constexpr int usual = 16384;
    int limit = 0;
    std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> limit;
    if (limit <= 0 || limit > usual) return say_skipped("the queue of inotify is long here");
    auto own = enter_watched_etc(host);
    if (!findings.expect(own)) return;
    for (int i = 0; i < limit + 2; ++i) host.etc.folder("many" + std::to_string(i));
    host.etc.remove("group");
    host.etc.file("last");
    follow_all(findings, *own);
    findings.expect(exists("/etc/last") && exists("/etc/many0"), "an added file is not seen");
    findings.expect(exists("/etc/many" + std::to_string(limit + 1)), "one of many is not seen");
    findings.expect(!exists("/etc/group"), "a removed file is seen");
    findings.expect(exists("/etc/resolv.conf") && fs::is_directory("/etc/.host/etc"), "a file of ours is gone");
  });
}

/// Whether nobody can write below /etc, as a user or with all capabilities.
void expect_read_only(Findings& findings, const std::string& who) {
  for (const char* path : {"/etc/resolv.conf", "/etc/passwd", "/etc/ssl/openssl.cnf", "/etc/.host/etc/group"}) {
    const UniqueFd file(open(path, O_WRONLY | O_CLOEXEC));
    findings.expect(!file.valid() && errno == EROFS, who + " can write to " + path);
  }
  findings.expect(mkdir("/etc/new", 0755) != 0 && errno == EROFS, who + " can add to /etc");
  findings.expect(unlink("/etc/hosts") != 0 && errno == EROFS, who + " can remove /etc/hosts");
}

/// What a command can try that makes namespaces of its own.
void expect_locked(Findings& findings, const std::vector<const char*>& folders) {
  if (!findings.expect(make_own_namespaces_as_same_user(CLONE_NEWNS, "make namespaces"))) return;
  for (const char* folder : folders) {
    findings.expect(umount2(folder, MNT_DETACH) != 0, std::string(folder) + " can be taken off");
    findings.expect(mount(nullptr, folder, nullptr, MS_REMOUNT | MS_BIND, nullptr) != 0,
                    std::string(folder) + " can be made writable");
  }
  findings.expect(!copy_mount("/").has_value(), "the root can be copied without what covers parts of it");
}

TEST_CASE("nobody inside can write to it or take it off") {
  on_fake_host([](Findings& findings, FakeHost& host) {
    const auto own = enter_own_etc(host);
    if (!findings.expect(own)) return;
    expect_read_only(findings, "a user");
    expect_locked(findings, {"/etc", "/etc/.host/etc"});
    expect_read_only(findings, "a user with namespaces of their own");
  });
}

TEST_CASE("on a kernel without mount_setattr it is the same, with the mounts that the host has below its /etc") {
  if (!has_syscall_filters()) return say_skipped("no filters of system calls");
  on_fake_host([](Findings& findings, FakeHost& host) {
    host.etc.folder("a b\\c");
    findings.expect(mount_tmpfs("/etc/a b\\c", MS_NOSUID | MS_NOEXEC, ""));
    const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(mount_setattr), 0);
    findings.expect(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && seccomp_load(filter) == 0, "no filter");
    seccomp_release(filter);
    const auto own = enter_own_etc(host);
    if (!findings.expect(own)) return;
    expect_read_only(findings, "a user");
    findings.expect(mkdir("/etc/a b\\c/new", 0755) != 0 && errno == EROFS, "a mount below can be written to");
  });
}

TEST_CASE("an /etc of its own can be made inside another one") {
  on_fake_host([](Findings& findings, FakeHost& host) {
    auto outer = enter_watched_etc(host);
    if (!findings.expect(outer) || !findings.expect(FakeHost::enter())) return;
    const auto files = make_name_files({.hostname = "inner"});
    if (!findings.expect(files)) return;
    auto inner = OwnEtc::create(*files);
    if (!findings.expect(inner) || !findings.expect(inner->watch())) return;
    findings.expect_equal(read_text("/etc/passwd"), std::string("old passwd"), "passwd");
    findings.expect_equal(read_text("/etc/ssl/openssl.cnf"), std::string("settings"), "ssl/openssl.cnf");
    findings.expect(read_text("/etc/hosts").find("inner") != std::string::npos, "hosts is not the inner one");
    host.etc.file("added", "added");
    follow_all(findings, *outer);
    follow_all(findings, *inner);
    findings.expect_equal(read_text("/etc/added"), std::string("added"), "added");
  });
}

TEST_CASE("files of the caller's take the place of the host's") {
  on_fake_host([](Findings& findings, FakeHost& host) {
    host.etc.file("sudoers", "host's");
    findings.expect(FakeHost::enter());
    const auto own = OwnEtc::create({{"sudoers", {.text = "root ALL=(ALL:ALL) ALL\n", .mode = 0440}}});
    if (!findings.expect(own)) return;
    findings.expect_equal(read_text("/etc/sudoers"), std::string("root ALL=(ALL:ALL) ALL\n"), "sudoers");
    findings.expect(mode_of("/etc/sudoers") == 0440, "the mode of sudoers");
  });
}

TEST_CASE("an error names what was refused") {
  on_fake_host([](Findings& findings, FakeHost& host) {
    host.etc.folder("nsswitch.conf");
    const auto files = make_name_files({});
    findings.expect(!files && files.error().message().find("/etc/nsswitch.conf") != std::string::npos,
                    "a folder as nsswitch.conf is accepted");
    findings.expect(FakeHost::enter());
    // Nobody may mount in the namespaces of others.
    const auto own = in_child([] {
      if (!make_own_namespaces_as_same_user(0, "make a user namespace")) return 1;
      const auto refused = OwnEtc::create({});
      return !refused && refused.error().number == EPERM && refused.error().message().find("/etc") != std::string::npos
                 ? 0
                 : 2;
    });
    findings.expect(exit_status(own) == 0, "an /etc of its own without rights");
    // The host's root has rights over files that nobody has inside: so give them up.
    host.etc.mode(".", 0311);
    findings.expect(keep_capabilities(std::uint64_t{1} << CAP_SYS_ADMIN));
    const auto unreadable = OwnEtc::create({});
    findings.expect(!unreadable && unreadable.error().message().starts_with("read the folder /etc: Permission denied"),
                    "a folder that cannot be read is accepted");
  });
}

}  // namespace
}  // namespace wg4::container
