#include "netns-helper/container/mounts/etc_links.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "netns-helper/container/mounts/folder_entries.h"
#include "shared/base/escaped_text.h"
#include "shared/base/result.h"

namespace wg4::container {
namespace {

/// What a link in the host's /etc may lead to by "../", apart from /etc.
constexpr std::array roots{"bin", "boot", "dev",  "gnu",  "home", "lib",  "lib32", "lib64", "libx32", "media", "mnt",
                           "nix", "opt",  "proc", "root", "run",  "sbin", "srv",   "sys",   "tmp",    "usr",   "var"};

std::string entry(const std::string& name) { return printable("/etc/" + name); }

Result<void> make_folder(int parent, const std::string& name) {
  constexpr mode_t mode = 0755;
  if (mkdirat(parent, name.c_str(), mode) != 0 || fchmodat(parent, name.c_str(), mode, 0) != 0)
    return fail("make the folder " + entry(name), errno);
  return {};
}

}  // namespace

Result<void> make_hidden_folder(int etc) {
  TRY(make_folder(etc, hidden_folder));
  TRY(make_folder(etc, host_etc));
  for (const char* root : roots)
    TRY(make_etc_link(etc, std::string("/") + root, std::string(hidden_folder) + "/" + root));
  return make_etc_link(etc, "../proc/self/mounts", "mtab");
}

Result<void> make_etc_link(int etc, const std::string& text, const std::string& name) {
  if (symlinkat(text.c_str(), etc, name.c_str()) != 0) return fail("make the link " + entry(name), errno);
  return {};
}

Result<std::string> text_for_entry(int host, const std::string& name) {
  const auto text = TRY(link_text(host, name, "/etc/" + name));
  return text.value_or(host_etc + "/" + name);
}

}  // namespace wg4::container
