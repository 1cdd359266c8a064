#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>
#include <vector>

#include "netns-helper/container/operations/operation.h"
#include "shared/base/unique_fd.h"
#include "tests/unit/container_root_support.h"
#include "tests/unit/container_support.h"

namespace wg4::container {
namespace {

using Writes = Overlay::Writes;

void furnish_overlay(HostFolder& host) {
  host.file("low/both", "low");
  host.file("low/one", "one");
  host.file("high:,\\/both", "high");
  host.folder("upper");
  host.folder("work");
  host.mode("high:,\\", 0750);
}

const std::vector<std::string> lower{"/tmp/high:,\\", "/tmp/low"};

bool write_text(const std::string& path, const std::string& text) {
  const UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  return write(file.get(), text.data(), text.size()) == std::ssize(text);
}

void expect_layers(Findings& findings) {
  findings.expect_equal(read_text("/x/both"), std::string("high"), "of two files the upper one");
  findings.expect_equal(read_text("/x/one"), std::string("one"), "a file below");
  findings.expect((mount_flags("/x") & (ST_NOSUID | ST_NODEV)) == (ST_NOSUID | ST_NODEV), "flags");
}

TEST_CASE("folders are seen as one, and nothing can be written") {
  look_around({Overlay{.target = "/x", .lower = lower}, Proc{}}, furnish_overlay,
              [](Findings& findings, const HostFolder&) {
                expect_layers(findings);
                findings.expect(try_to_write("/x") == EROFS, "it can be written to");
                findings.expect(!read_text("/proc/self/mountinfo").contains("/tmp"), "paths of the host are seen");
              });
}

TEST_CASE("what is written is in the upper folder") {
  look_around(
      {Overlay{.target = "/x", .lower = lower, .writes = Writes::to_upper, .upper = "/tmp/upper", .work = "/tmp/work"}},
      furnish_overlay, [](Findings& findings, const HostFolder& host) {
        expect_layers(findings);
        findings.expect(write_text("/x/one", "changed") && unlink("/x/both") == 0, "it cannot be written to");
        findings.expect_equal(host.text("upper/one"), std::string("changed"), "in the upper folder");
        findings.expect_equal(host.text("low/one"), std::string("one"), "below");
        findings.expect(!exists("/x/both") && host.has("low/both"), "what is removed");
      });
}

TEST_CASE("what is written to memory is nowhere else") {
  look_around({Overlay{.target = "/x", .lower = lower, .writes = Writes::to_memory},
               Overlay{.target = "/y", .lower = {"/tmp/low"}, .writes = Writes::to_memory}},
              furnish_overlay, [](Findings& findings, const HostFolder& host) {
                expect_layers(findings);
                findings.expect(mode_of("/x") == 0750 && mode_of("/y") == 0755, "modes");
                findings.expect(write_text("/x/one", "changed") && unlink("/x/both") == 0, "it cannot be written to");
                findings.expect_equal(read_text("/x/one"), std::string("changed"), "inside");
                findings.expect_equal(host.text("low/one"), std::string("one"), "on the host");
                findings.expect_equal(read_text("/y/one"), std::string("one"), "in another one");
              });
}

TEST_CASE("what cannot be executed below cannot be executed here") {
  look_around(
      {Overlay{.target = "/x", .lower = {"/tmp/low"}, .writes = Writes::to_memory}},
      [](HostFolder& host) {
        host.folder("low");
        need(mount("low", "/tmp/low", "tmpfs", MS_NOEXEC, "mode=0755") == 0);
      },
      [](Findings& findings, const HostFolder&) { findings.expect((mount_flags("/x") & ST_NOEXEC) != 0, "it can"); });
}

TEST_CASE("an overlay of many folders has them all") {
  std::vector<std::string> many;
  for (int i = 0; i < 40; ++i) many.push_back("/tmp/" + std::to_string(i));
  look_around(
      {Overlay{.target = "/x", .lower = many}},
      [&many](HostFolder& host) {
        for (std::size_t i = 0; i < many.size(); ++i) host.file(std::to_string(i) + "/" + std::to_string(i));
      },
      [&many](Findings& findings, const HostFolder&) {
        for (std::size_t i = 0; i < many.size(); ++i)
          findings.expect(exists("/x/" + std::to_string(i)), "one is missing");
      });
}

TEST_CASE("an overlay that cannot be is an error that names it") {
  expect_refused({Overlay{.target = "/x", .lower = {}}}, furnish_overlay, {"/x", "needs a folder"});
  expect_refused({Overlay{.target = "/x", .lower = {"/tmp/low"}}}, furnish_overlay,
                 {"/x", "two folders", "Bind a single one"});
  expect_refused({Overlay{.target = "/x", .lower = {"/tmp/low", "/tmp/none"}}}, furnish_overlay,
                 {"/tmp/none", "No such file"});
  expect_refused({Overlay{.target = "/x", .lower = {"/tmp/low", "/tmp/low/one"}}}, furnish_overlay,
                 {"/tmp/low/one", "no folder"});
  expect_refused(
      {Overlay{.target = "/x", .lower = lower, .writes = Writes::to_upper, .upper = "/tmp/upper", .work = ""}},
      furnish_overlay, {"absolute"});
}

}  // namespace
}  // namespace wg4::container
