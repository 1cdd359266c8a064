// The folder of profiles: what is written, removed and renamed, and who may.

#include "wg4netns/profile/profile_folder.h"
#include "shared/base/result.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/unique_fd.h"
#include "shared/sys/own_folder.h"
#include "shared/sys/whole_file.h"
#include "wg4netns/profile/profile_name.h"

namespace wg4 {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    std::string pattern = fs::temp_directory_path().string() + "/wg4-profiles-XXXXXX";
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    root_ = pattern;
  }
  ~Folder() { fs::remove_all(root_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] std::string path() const { return root_ + "/a/profiles"; }
  [[nodiscard]] std::string file(const std::string& name) const { return path() + "/" + name; }
  [[nodiscard]] std::string text(const std::string& name) const {
    std::ostringstream all;
    all << std::ifstream(file(name)).rdbuf();
    return all.str();
  }
  void put(const std::string& name, const std::string& text) const { std::ofstream(file(name)) << text; }
  [[nodiscard]] std::set<std::string> entries() const {
    std::set<std::string> names;
    if (fs::exists(path()))
      for (const auto& entry : fs::directory_iterator(path())) names.insert(entry.path().filename());
    return names;
  }
  [[nodiscard]] bool is_empty() const { return fs::is_empty(root_); }

  [[nodiscard]] ProfileChange change() const {
    auto begun = ProfileChange::begin(path(), IfMissing::make);
    if (!begun) FAIL(begun.error().message());
    return *std::move(begun);
  }

 private:
  std::string root_;
};

std::string message_of(const Result<void>& result) { return result ? "" : result.error().message(); }

using Names = std::set<std::string>;

}  // namespace

TEST_CASE("a profile is written, and replaced only on request") {
  const Folder folder;
  REQUIRE(folder.change().write("a", "one", IfThere::fail));
  CHECK_EQ(folder.text("a.conf"), "one");
  CHECK(message_of(folder.change().write("a", "two", IfThere::fail)).starts_with("there is a profile 'a' already"));
  CHECK_EQ(folder.text("a.conf"), "one");
  fs::permissions(folder.file("a.conf"), fs::perms::all);
  REQUIRE(folder.change().write("a", "two", IfThere::replace));
  CHECK_EQ(folder.text("a.conf"), "two");
  CHECK_EQ(fs::status(folder.file("a.conf")).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  REQUIRE(folder.change().write("b", "", IfThere::replace));
  CHECK_EQ(folder.entries(), Names{"a.conf", "b.conf"});
}

TEST_CASE("folders that were made for a change that came to nothing are removed") {
  const Folder folder;
  {
    const ProfileChange nothing = folder.change();
    CHECK(fs::exists(folder.path()));
  }
  CHECK(folder.is_empty());
  const auto missing = ProfileChange::begin(folder.path(), IfMissing::fail);
  REQUIRE_FALSE(missing);
  CHECK_EQ(missing.error().number, ENOENT);
  CHECK(folder.is_empty());
}

TEST_CASE("remove and rename") {
  const Folder folder;
  for (const char* name : {"a", "b"}) REQUIRE(folder.change().write(name, name, IfThere::fail));
  CHECK(message_of(folder.change().rename("a", "b")).starts_with("there is a profile 'b' already"));
  REQUIRE(folder.change().rename("a", "c"));
  CHECK_EQ(folder.text("c.conf"), "a");
  REQUIRE(folder.change().remove("b"));
  CHECK_EQ(folder.entries(), Names{"c.conf"});
  CHECK(message_of(folder.change().remove("b")).contains("No such file"));
  // A link is removed, not what it leads to.
  fs::create_symlink("c.conf", folder.file("link.conf"));
  CHECK(message_of(folder.change().write("link", "x", IfThere::replace)).contains("is no regular file"));
  REQUIRE(folder.change().remove("link"));
  CHECK_EQ(folder.text("c.conf"), "a");
}

TEST_CASE("while a profile is edited, nobody else changes it") {
  const Folder folder;
  for (const char* name : {"a", "b"}) REQUIRE(folder.change().write(name, name, IfThere::fail));
  {
    auto copy = folder.change().begin_edit("a", "text");
    REQUIRE(copy);
    CHECK_EQ(folder.text(fs::relative(copy->path(), folder.path())), "text");
    const std::string says = "profile 'a' is being edited by process " + std::to_string(getpid());
    CHECK(message_of(folder.change().write("a", "x", IfThere::replace)).starts_with(says));
    CHECK(message_of(folder.change().remove("a")).starts_with(says));
    CHECK(message_of(folder.change().rename("a", "c")).starts_with(says));
    CHECK(message_of(folder.change().rename("b", "a")).starts_with(says));
    CHECK_FALSE(folder.change().begin_edit("a", "x"));
    CHECK(folder.change().write("b", "x", IfThere::replace));
    tidy_up_profiles(folder.path());
    CHECK(fs::exists(copy->path()));
    const ProfileCopy moved = *std::move(copy);
    CHECK(folder.change().write("a", "new", IfThere::replace, &moved));
    CHECK(message_of(folder.change().write("a", "x", IfThere::replace)).starts_with(says));
  }
  CHECK_EQ(folder.text("a.conf"), "new");
  CHECK_EQ(folder.entries(), Names{"a.conf", "b.conf"});
}

TEST_CASE("a copy can be kept") {
  const Folder folder;
  REQUIRE(folder.change().write("a", "a", IfThere::fail));
  {
    auto copy = folder.change().begin_edit("a", "text");
    REQUIRE(copy);
    fs::permissions(copy->path(), fs::perms::all);
    const auto kept = copy->keep();
    REQUIRE(kept);
    CHECK_EQ(*kept, folder.file("a.conf.rejected"));
  }
  CHECK_EQ(folder.text("a.conf.rejected"), "text");
  CHECK_EQ(fs::status(folder.file("a.conf.rejected")).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  CHECK_EQ(folder.entries(), Names{"a.conf", "a.conf.rejected"});
}

TEST_CASE("what processes have left that were killed is removed, and nothing else") {
  const Folder folder;
  REQUIRE(folder.change().write("a", "a", IfThere::fail));
  const auto leave = [&] {
    folder.put(".a.conf.wg4netns-new", "half");
    fs::create_directory(folder.file(".a.wg4netns-edit"));
    folder.put(".a.wg4netns-edit/a.conf", "copy");
    folder.put(".a.wg4netns-edit/.a.conf.swp", "of an editor");
  };
  folder.put(".hidden.conf", "");
  folder.put("wg4netns-new", "");
  leave();
  tidy_up_profiles(folder.path());
  CHECK_EQ(folder.entries(), Names{"a.conf", ".hidden.conf", "wg4netns-new"});
  leave();
  {
    // While somebody changes something, a half file may be theirs.
    const ProfileChange busy = folder.change();
    CHECK_EQ(folder.entries(), Names{"a.conf", ".hidden.conf", "wg4netns-new"});
    folder.put(".a.conf.wg4netns-new", "half");
    tidy_up_profiles(folder.path());
    CHECK(fs::exists(folder.file(".a.conf.wg4netns-new")));
  }
  // A link in the place of a copy's folder is not followed.
  fs::create_directory(folder.path() + "/../elsewhere");
  fs::create_directory_symlink("../elsewhere", folder.file(".b.wg4netns-edit"));
  tidy_up_profiles(folder.path());
  CHECK(fs::exists(folder.path() + "/../elsewhere"));
}

TEST_CASE("names of profiles") {
  const Folder folder;
  CHECK(profile_names(folder.path())->empty());
  REQUIRE(folder.change().write("b", "", IfThere::fail));
  for (const char* name : {"a.conf", ".h.conf", "x", "c d.conf", "conf", ".conf"}) folder.put(name, "");
  CHECK_EQ(*profile_names(folder.path()), std::vector<std::string>{"a", "b", "c d"});

  for (const char* name : {"a", "Az09_=+.-", "=", "+x", "a.b"}) CHECK(check_new_profile_name(name));
  CHECK(check_new_profile_name(std::string(64, 'a')));
  for (const char* name : {"", ".", "..", ".a", "-a", "a/b", "a b", "\xc3\xa9", "a\n", "a.conf", "a:b"})
    CHECK_FALSE(check_new_profile_name(name));
  CHECK_FALSE(check_new_profile_name(std::string(65, 'a')));
  CHECK(check_profile_name("c d"));
  for (const char* name : {"", ".a", "a/b", "a.conf"}) CHECK_FALSE(check_profile_name(name));

  CHECK_EQ(profile_name_of("/etc/wireguard/work.conf", ".conf"), "work");
  CHECK_EQ(profile_name_of("work.conf", ".conf"), "work");
  CHECK_EQ(profile_name_of("a/work.txt", ".conf"), "work.txt");
  CHECK_EQ(profile_name_of("a/.conf", ".conf"), "");
}

TEST_CASE("a file that cannot be written leaves nothing") {
  const Folder folder;
  const ProfileChange change = folder.change();
  const UniqueFd fd(open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::string long_name(250, 'x');
  const auto written = write_whole_file(fd.get(), long_name, "text", IfThere::fail);
  REQUIRE_FALSE(written);
  CHECK_EQ(written.error().number, ENAMETOOLONG);
  fs::create_directory(folder.file("folder"));
  CHECK_FALSE(write_whole_file(fd.get(), "folder", "text", IfThere::replace));
  CHECK_EQ(write_whole_file(fd.get(), "folder", "text", IfThere::fail).error().number, EEXIST);
  CHECK_EQ(folder.entries(), Names{"folder"});
}

}  // namespace wg4
