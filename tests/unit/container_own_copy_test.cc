#include "netns-helper/container/own_copy.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "tests/unit/container_support.h"

namespace wg4::container {
namespace {

const std::string copied = "/etc/ssh/ssh_config.d";

bool belongs_to_us(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 && status.st_uid == geteuid();
}

TEST_CASE("copies of a folder's files belong to this user, and cannot be changed") {
  on_fake_host([](Findings& findings, FakeHost& host) {
    host.etc.file("ssh/ssh_config.d/10-site.conf", "Host *\n");
    host.etc.file("ssh/site.conf", "elsewhere");
    host.etc.link("../site.conf", "ssh/ssh_config.d/20-link.conf");
    host.etc.folder("ssh/ssh_config.d/folder");
    host.etc.mode("ssh/ssh_config.d/10-site.conf", 0644);
    if (!findings.expect(FakeHost::enter())) return;
    if (!findings.expect(mount_own_copy(copied))) return;
    findings.expect_equal(read_text(copied + "/10-site.conf"), std::string("Host *\n"), "a file");
    findings.expect_equal(read_text(copied + "/20-link.conf"), std::string("elsewhere"), "a link");
    findings.expect(belongs_to_us(copied + "/10-site.conf"), "the file is another user's");
    findings.expect(mode_of(copied + "/10-site.conf") == 0644, "the mode is another");
    findings.expect(!exists(copied + "/folder"), "a folder is there");
    const UniqueFd written(open((copied + "/10-site.conf").c_str(), O_WRONLY | O_CLOEXEC));
    findings.expect(!written.valid() && errno == EROFS, "the file can be written to");
    findings.expect_equal(read_text("/etc/ssh/site.conf"), std::string("elsewhere"), "what is beside it");
  });
}

TEST_CASE("a missing or empty folder stays as it is") {
  on_fake_host([](Findings& findings, FakeHost& host) {
    host.etc.folder("empty.d");
    if (!findings.expect(FakeHost::enter())) return;
    findings.expect(mount_own_copy("/etc/missing.d"));
    findings.expect(mount_own_copy("/etc/empty.d"));
    findings.expect(!exists("/etc/missing.d"), "the folder was made");
  });
}

}  // namespace
}  // namespace wg4::container
