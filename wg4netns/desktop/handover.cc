#include "wg4netns/desktop/handover.h"

#include <algorithm>
#include <array>

namespace wg4::desktop {
namespace {

using Names = std::string_view;

constexpr auto firefox = std::to_array<Names>(
    {"firefox", "firefox-esr", "firefox-bin", "librewolf", "waterfox", "icecat", "thunderbird", "thunderbird-bin"});
constexpr auto firefox_options =
    std::to_array<Names>({"--no-remote", "-no-remote", "--new-instance", "-new-instance", "--profile", "-profile"});

constexpr auto chromium =
    std::to_array<Names>({"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "google-chrome-beta",
                          "brave", "brave-browser", "brave-browser-stable", "microsoft-edge", "microsoft-edge-stable",
                          "vivaldi", "vivaldi-stable", "opera"});
constexpr auto chromium_processes =
    std::to_array<Names>({"chromium", "chromium-browser", "chrome", "brave", "msedge", "vivaldi-bin", "opera"});
constexpr auto code = std::to_array<Names>({"code", "code-insiders", "codium", "code-oss", "cursor"});
constexpr auto data_folder = std::to_array<Names>({"--user-data-dir"});

constexpr auto gnome_terminal = std::to_array<Names>({"gnome-terminal", "mate-terminal"});
constexpr auto gnome_terminal_processes = std::to_array<Names>({"gnome-terminal-server", "mate-terminal"});
constexpr auto disable_factory = std::to_array<Names>({"--disable-factory"});
constexpr auto xfce_terminal = std::to_array<Names>({"xfce4-terminal"});
constexpr auto disable_server = std::to_array<Names>({"--disable-server"});
constexpr auto konsole = std::to_array<Names>({"konsole"});
constexpr auto separate = std::to_array<Names>({"--separate"});

constexpr auto emacsclient = std::to_array<Names>({"emacsclient"});
constexpr auto emacs = std::to_array<Names>({"emacs"});

constexpr auto office = std::to_array<Names>({"libreoffice", "soffice", "localc", "lowriter", "loimpress"});
constexpr auto office_processes = std::to_array<Names>({"soffice.bin"});
constexpr auto office_options = std::to_array<Names>({"-env:UserInstallation"});

constexpr auto programs = std::to_array<HandoverProgram>({
    {firefox, firefox, firefox_options, "Start it with --new-instance and a profile of its own: --profile FOLDER"},
    {chromium, chromium_processes, data_folder, "Start it with a folder of its own: --user-data-dir=FOLDER"},
    {code, code, data_folder, "Start it with a folder of its own: --user-data-dir=FOLDER"},
    {gnome_terminal, gnome_terminal_processes, disable_factory,
     "Open a shell of the tunnel in it instead: wireguard4netns shell"},
    {xfce_terminal, xfce_terminal, disable_server, "Start it with --disable-server"},
    {konsole, konsole, separate, "Start it with --separate"},
    {emacsclient, emacs, {}, "Start emacs itself"},
    {office, office_processes, office_options,
     "Start it with settings of its own: -env:UserInstallation=file:///FOLDER"},
});

bool begins_with_one(std::string_view word, std::span<const Names> options) {
  return std::ranges::any_of(options, [word](Names option) {
    return word.starts_with(option) && (word.size() == option.size() || word[option.size()] == '=');
  });
}

}  // namespace

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string_view program_word(std::span<const std::string> command) {
  bool after_env = false;
  for (const std::string& word : command) {
    if (base_name(word) == "env") {
      after_env = true;
      continue;
    }
    if (after_env && (word.starts_with('-') || word.contains('='))) continue;
    return word;
  }
  return {};
}

const HandoverProgram* hands_over(std::span<const std::string> command) {
  const std::string_view name = base_name(program_word(command));
  const auto found = std::ranges::find_if(programs, [name](const HandoverProgram& program) {
    return std::ranges::find(program.names, name) != program.names.end();
  });
  if (found == programs.end()) return nullptr;
  const bool works_by_itself =
      std::ranges::any_of(command, [&](const std::string& word) { return begins_with_one(word, found->separates); });
  return works_by_itself ? nullptr : &*found;
}

}  // namespace wg4::desktop
