// Targets: what is made for them, and that nothing leads out of the new root.

#include <sys/mount.h>
#include <sys/stat.h>

#include <functional>
#include <string>
#include <vector>

#include "netns-helper/container/operations/operation.h"
#include "shared/base/result.h"
#include "tests/unit/container_root_support.h"
#include "tests/unit/container_support.h"

namespace wg4::container {
namespace {

/// An operation of each kind that makes something at a target.
std::vector<Operation> operations_for(const std::string& target) {
  return {Bind{.source = "/tmp/data", .target = target},
          Bind{.source = "/tmp/data/text", .target = target},
          Tmpfs{.target = target},
          Mkdir{.target = target},
          Place{.target = target, .bytes = "x"},
          Place{.target = target, .bytes = "x", .as = Place::As::file},
          Overlay{.target = target, .lower = {"/tmp/data"}, .writes = Overlay::Writes::to_memory},
          Dev{.target = target},
          ReadOnly{.target = target}};
}

/// A folder of the host's with links in it that lead to /tmp/secret from wherever they are followed, but for a root of
/// their own.
void furnish_targets(HostFolder& host) {
  host.file("data/text", "bound");
  host.folder("data/folder");
  host.folder("secret");
  host.link("/tmp/secret/new", "data/dangling");
  host.link("../../../../../../tmp/secret/new", "data/up");
  host.link("/tmp/secret", "data/absolute");
  host.link("/proc/self/root/tmp/secret", "data/magic");
  host.link("loop", "data/loop");
}

void expect_untouched(Findings& findings, const HostFolder& host, const std::string& how) {
  findings.expect(!host.has("secret/new") && !host.has("secret/x"), how + " makes something on the host");
}

TEST_CASE("a link to nothing is an error, whoever has made it") {
  for (const std::string link : {"/data/dangling", "/data/up", "/planted"}) {
    for (const std::string& target : {link, link + "/x"}) {
      for (const Operation& operation : operations_for(target)) {
        CAPTURE(target);
        try_out({.root = {.operations = {Bind{.source = "/tmp/data", .target = "/data", .writable = true},
                                         Link{.target = "/planted", .text = "/tmp/secret/new"}, operation}},
                 .furnish = furnish_targets,
                 .inspect = [&link](Findings& findings, const Result<void>& entered, const HostFolder& host) {
                   expect_untouched(findings, host, link);
                   if (entered) return findings.expect(false, "it is made");
                   const std::string said = entered.error().message();
                   findings.expect(said.contains(link + " in the new root is a link to ") &&
                                       said.contains("tmp/secret/new, which is not there"),
                                   said);
                 }});
      }
    }
  }
}

TEST_CASE("a link to something is followed inside the new root only") {
  for (const Operation& operation : operations_for("/data/absolute/x")) {
    try_out({.root = {.operations = {Mkdir{.target = "/tmp/secret"},
                                     Bind{.source = "/tmp/data", .target = "/data", .writable = true}, operation}},
             .furnish = furnish_targets,
             .inspect = [](Findings& findings, const Result<void>& entered, const HostFolder& host) {
               expect_untouched(findings, host, "a link");
               if (findings.expect(entered)) findings.expect(exists("/tmp/secret/x"), "nothing is made inside");
             }});
  }
}

TEST_CASE("a link of /proc is not followed, nor one to itself") {
  const Bind proc{.source = "/proc", .target = "/proc"};
  const Bind data{.source = "/tmp/data", .target = "/data"};
  const std::string words = "Too many levels of symbolic links";
  expect_refused({proc, data, Tmpfs{.target = "/data/loop/x"}}, furnish_targets,
                 {"/data/loop", words, "leads to itself"});
  for (const char* target : {"/proc/self/root/tmp/secret/x", "/proc/self/cwd/x", "/data/magic/x"})
    try_out({.root = {.operations = {proc, data, Mkdir{.target = target}}},
             .furnish = furnish_targets,
             .inspect =
                 [](Findings& findings, const Result<void>& entered, const HostFolder& host) {
                   expect_untouched(findings, host, "a link of /proc");
                   findings.expect(!entered, "it is made");
                 },
             .namespaces = 0});
}

TEST_CASE("a target is an absolute path without ..") {
  for (const Operation& operation : operations_for("data/x"))
    expect_refused({operation}, furnish_targets, {"data/x", "absolute"});
  for (const Operation& operation : operations_for("/a/../../x"))
    expect_refused({operation}, furnish_targets, {"/a/../../x", "has .. in it", "Write the path"});
  const std::string with_zero("/a\0b", 4);
  expect_refused({Tmpfs{.target = with_zero}}, furnish_targets, {"zero"});
  expect_refused({Tmpfs{.target = "/" + std::string(300, 'x')}}, furnish_targets, {"File name too long"});
}

TEST_CASE("a folder and a file do not go over each other") {
  const Place file{.target = "/file", .bytes = "x"};
  expect_refused({file, Tmpfs{.target = "/file"}}, furnish_targets, {"/file", "Not a directory"});
  expect_refused({file, Tmpfs{.target = "/file/below"}}, furnish_targets, {"/file", "Not a directory", "is a file"});
  expect_refused({Mkdir{.target = "/x"}, Place{.target = "/x", .bytes = "x"}}, furnish_targets,
                 {"/x", "Is a directory"});
  expect_refused({Mkdir{.target = "/x"}, Place{.target = "/x", .bytes = "x", .as = Place::As::file}}, furnish_targets,
                 {"/x", "Is a directory"});
  expect_refused({Place{.target = "/", .bytes = "x"}}, furnish_targets, {"Is a directory"});
}

TEST_CASE("nothing is made in what cannot be written to") {
  for (const Operation& operation : operations_for("/data/none"))
    try_out({.root = {.operations = {Bind{.source = "/tmp/data", .target = "/data"}, operation}},
             .furnish = furnish_targets,
             .inspect = [](Findings& findings, const Result<void>& entered, const HostFolder& host) {
               findings.expect(!host.has("data/none"), "it is made");
               if (entered) return findings.expect(false, "no error");
               findings.expect(entered.error().message().contains("/data/none in the new root: Read-only file system"),
                               entered.error().message());
             }});
}

TEST_CASE("folders on the way have the mode of parents") {
  try_out({.root = {.operations = {Tmpfs{.target = "/a//b/./c/"}}, .parent_mode = 0711},
           .inspect = [](Findings& findings, const Result<void>& entered, const HostFolder&) {
             if (!findings.expect(entered)) return;
             findings.expect(mode_of("/a") == 0711 && mode_of("/a/b") == 0711, "the mode of parents");
             findings.expect(mode_of("/a/b/c") == 0755, "the mode of the tmpfs");
           }});
}

}  // namespace
}  // namespace wg4::container
