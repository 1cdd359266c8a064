// Desktop entries: read, written again, and put in a tunnel.

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wg4netns/desktop/desktop_entry.h"
#include "wg4netns/desktop/handover.h"
#include "wg4netns/desktop/tunnelled_entry.h"

namespace wg4::desktop {
namespace {

using Words = std::vector<std::string>;

DesktopEntry parsed(std::string_view text) {
  auto entry = DesktopEntry::parse(text);
  if (!entry) FAIL(entry.error().message());
  return *std::move(entry);
}

std::string refused(std::string_view text) {
  const auto entry = DesktopEntry::parse(text);
  REQUIRE_FALSE(entry.has_value());
  return entry.error().message();
}

const std::string browser = R"(# Made by hand
[Desktop Entry]
Type=Application
Name=Browser
Name[de]=Browser für alle
# of the menu
GenericName = Web Browser
Exec=/usr/lib/browser/browser %u
MimeType=text/html;
DBusActivatable=true
Actions=new;by-bus;

[Desktop Action new]
Name=New Window
Exec="/usr/lib/browser/browser" --new-window "a \\$b" %u

[Desktop Action by-bus]
Name=Asks D-Bus
)";

Tunnelled wanted() {
  return {.application = "browser.desktop",
          .profile = "work",
          .command = {"/usr/bin/wireguard4netns", "run", "work", "--"}};
}

std::string put(std::string_view text) {
  auto entry = put_in_tunnel(parsed(text), wanted());
  if (!entry) FAIL(entry.error().message());
  return entry->text();
}

std::string put_refused(std::string_view lines) {
  const auto entry = put_in_tunnel(parsed("[Desktop Entry]\n" + std::string(lines)), wanted());
  REQUIRE_FALSE(entry.has_value());
  return entry.error().message();
}

}  // namespace

TEST_CASE("an entry that nobody changes stays as it is, but for white space around keys and values") {
  std::string expected = browser;
  expected.replace(expected.find("GenericName = "), 14, "GenericName=");
  CHECK(parsed(browser).text() == expected);
  CHECK(parsed("[Desktop Entry]\r\nName=x \r\n").text() == "[Desktop Entry]\nName=x\n");
  CHECK(*parsed(browser).main().find("Name[de]") == "Browser für alle");
  CHECK(parsed(browser).main().find("Icon") == nullptr);
  CHECK(parsed(browser).main().find("") == nullptr);
}

TEST_CASE("what is no entry is an error that names the line") {
  CHECK(refused("") == "it is no desktop entry: its first group is not [Desktop Entry]");
  CHECK(refused("[Other]\n") == "it is no desktop entry: its first group is not [Desktop Entry]");
  CHECK(refused("# c\nName=x\n[Desktop Entry]\n") == "line 2: a key before any group");
  CHECK(refused("[Desktop Entry]\nName\n") == "line 2: neither a group nor a key and its value: Name");
  CHECK(refused("[Desktop Entry]\nNa me=x\n").starts_with("line 2: neither"));
  CHECK(refused("[Desktop Entry]\nName[de=x\n").starts_with("line 2: neither"));
  CHECK(refused("[Desktop Entry\n") == "line 1: no group: [Desktop Entry");
  CHECK(refused("[Desktop Entry]\n[Desktop Entry]\n") == "line 2: the group Desktop Entry is there already");
  CHECK(refused("[Desktop Entry]\nName=a\nName=b\n") == "line 3: the key Name is there already");
  CHECK(refused(std::string_view("[Desktop Entry]\nName=\0\n", 23)) == "line 2: it has a NUL byte");
  CHECK(refused(std::string(max_entry_size + 1, '#')) == "it is larger than 1 MiB");
}

TEST_CASE("a value that is set replaces the former one, or is the last of its group") {
  DesktopEntry entry = parsed("[Desktop Entry]\nName=a\n\n[Desktop Action x]\nName=b\n");
  entry.main().set("Name", "c");
  entry.main().set("Exec", "d");
  entry.groups()[1].remove("Name");
  CHECK(entry.text() == "[Desktop Entry]\nName=c\nExec=d\n\n[Desktop Action x]\n");
}

TEST_CASE("words become an Exec value that means them, whatever is in them") {
  CHECK(to_exec({"/usr/bin/x", "run", "--"}) == "/usr/bin/x run --");
  CHECK(to_exec({"a b"}) == R"("a b")");
  CHECK(to_exec({""}) == R"("")");
  CHECK(to_exec({"100%"}) == "100%%");
  CHECK(to_exec({R"(a\b)"}) == R"("a\\\\b")");  // once for Exec, and again as every value
  CHECK(to_exec({"$x`"}) == R"("\\$x\\`")");
  for (const std::string word : {"a b", "it's", R"(a"b\c$d`e)", "tab\tnewline\n", "", "~", "a;b|c&d", "x=y", "\\"}) {
    CAPTURE(word);
    CHECK(exec_words(to_exec({"prog", word, "end"})).value() == Words{"prog", word, "end"});
  }
}

TEST_CASE("an Exec value is read as menus read it") {
  CHECK(exec_words("firefox %u").value() == Words{"firefox", "%u"});
  CHECK(exec_words(R"(sh -c "echo \\$HOME  two" 'single \\$x')").value() ==
        Words{"sh", "-c", "echo $HOME  two", R"(single \$x)"});
  CHECK(exec_words(R"(a\\ b  c)").value() == Words{"a b", "c"});
  CHECK(exec_words("  ").value().empty());
  CHECK(exec_words(R"(a"b c"d)").value() == Words{"ab cd"});
  CHECK(exec_words("sh -c \"x").error().message() == "the quote in Exec does not end: sh -c \"x");
}

TEST_CASE("an application is put in a tunnel with all of its actions, and no other way to start it") {
  CHECK(put(browser) == R"(# Made by hand
[Desktop Entry]
Type=Application
Name=Browser (work)
Name[de]=Browser für alle (work)
# of the menu
GenericName=Web Browser
Exec=/usr/bin/wireguard4netns run work -- /usr/lib/browser/browser %u
DBusActivatable=false
Actions=new;
X-Wireguard4netns-Application=browser.desktop
X-Wireguard4netns-Profile=work

[Desktop Action new]
Name=New Window
Exec=/usr/bin/wireguard4netns run work -- "/usr/lib/browser/browser" --new-window "a \\$b" %u

)");
}

TEST_CASE("a group of another desktop's with a command of its own is in the tunnel, too") {
  CHECK(put("[Desktop Entry]\nType=Application\nName=x\nExec=x\n[New Shortcut Group]\nExec=x --new\n")
            .contains("[New Shortcut Group]\nExec=/usr/bin/wireguard4netns run work -- x --new\n"));
}

TEST_CASE("what cannot be put in a tunnel is refused, with the reason and the next step") {
  CHECK(put_refused("Type=Link\n") == "browser.desktop is no application");
  CHECK(put_refused("Name=x\n") == "browser.desktop is no application");
  CHECK(put_refused("Type=Application\nHidden=true\nExec=x\n") == "browser.desktop is marked as deleted (Hidden=true)");
  CHECK(put_refused("Type=Application\nDBusActivatable=true\n") ==
        "browser.desktop has no Exec: only D-Bus can start it, which does so outside of the tunnel. Start its program "
        "yourself: wireguard4netns run work -- PROGRAM");
  CHECK(put_refused("Type=Application\nExec=\n") == "browser.desktop: [Desktop Entry] has an empty Exec");
  CHECK(put_refused("Type=Application\nExec=\"x\n").starts_with("browser.desktop: the quote in Exec does not end"));
  for (const char* line : {"Exec=env BAMF_DESKTOP_FILE_HINT=/x.desktop /snap/bin/firefox %u", "Exec=snap run x",
                           "Exec=x\nX-SnapInstanceName=x"})
    CHECK(put_refused("Type=Application\n" + std::string(line) + "\n") ==
          "browser.desktop is a snap, which a service starts outside of the tunnel. Install the application in another "
          "way, for example as a package of the distribution");
  CHECK(put_refused("Type=Application\nExec=/usr/bin/flatpak run --command=x org.x @@u %u @@\nX-Flatpak=org.x\n")
            .starts_with("browser.desktop is a Flatpak, "));
  const std::string ours = put(browser);
  const auto again = put_in_tunnel(parsed(ours), wanted());
  REQUIRE_FALSE(again.has_value());
  CHECK(again.error().message() ==
        "browser.desktop is an entry that was made by wireguard4netns desktop add. Name the application itself: "
        "browser.desktop");
}

TEST_CASE("an entry of ours is known by its mark, and its file by its name") {
  CHECK(mark_of(parsed(put(browser))) == Mark{"browser.desktop", "work"});
  CHECK_FALSE(mark_of(parsed(browser)).has_value());
  CHECK(file_name({"org.example.App.desktop", "work"}) == "wireguard4netns-work-org.example.App.desktop");
  CHECK(file_name({"app.desktop", "a/b"}) == "wireguard4netns-a-b-app.desktop");
}

TEST_CASE(
    "programs that hand their work to a running process are known by any path, and by the options that prevent it") {
  const auto hands = [](const Words& words) { return hands_over(words) != nullptr; };
  CHECK(hands({"firefox"}));
  CHECK(hands({"/usr/lib/firefox-esr/firefox-esr", "%u"}));
  CHECK(hands({"/usr/bin/env", "X=y", "chromium"}));
  CHECK(hands({"code", "."}));
  CHECK(hands({"emacsclient", "-c"}));
  CHECK_FALSE(hands({"firefox", "--no-remote"}));
  CHECK_FALSE(hands({"firefox", "--new-instance", "--profile", "/x"}));
  CHECK_FALSE(hands({"chromium", "--user-data-dir=/x"}));
  CHECK(hands({"chromium", "--user-data-directory"}));
  CHECK_FALSE(hands({"curl"}));
  CHECK_FALSE(hands({}));
  CHECK_FALSE(hands({"env"}));
}

}  // namespace wg4::desktop
