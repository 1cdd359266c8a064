#include <sys/mount.h>

#include <algorithm>
#include <cerrno>
#include <expected>
#include <map>
#include <string>
#include <utility>

#include "netns-helper/container/mounts/etc_links.h"
#include "netns-helper/container/mounts/folder_entries.h"
#include "netns-helper/container/mounts/mounts.h"
#include "netns-helper/container/operations/operation.h"
#include "netns-helper/container/operations/source.h"
#include "netns-helper/container/operations/step.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4::container {
namespace {

/// The texts of the links, by name.
Result<std::map<std::string, std::string>> texts_for(const Etc& etc, const UniqueFd& host) {
  std::map<std::string, std::string> texts;
  for (const std::string& name : TRY(names_in(host.get(), etc.source))) {
    if (name == hidden_folder || name == "mtab" || std::ranges::find(etc.without, name) != etc.without.end()) continue;
    auto text = text_for_entry(host.get(), name);
    if (!text && text.error().number == ENOENT) continue;  // it has just gone
    if (!text) return std::unexpected(text.error());
    texts[name] = *std::move(text);
  }
  return texts;
}

}  // namespace

Result<Step> prepare(const Etc& etc) {
  Source source = TRY(find_folder(etc.source));
  auto texts = TRY(texts_for(etc, source.file));
  Tree tree = TRY(take_tree(std::move(source.file), etc.source));
  return Step([texts = std::move(texts), tree = std::move(tree)](Site& site) mutable -> Result<void> {
    const MountPoint made = TRY(site.targets.folder("/etc"));
    TRY(make_hidden_folder(made.file.get()));
    constexpr Refusals refusals = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    const MountPoint at = TRY(site.targets.folder("/etc/" + host_etc));
    TRY(show(std::move(tree), refusals, at));
    for (const auto& [name, text] : texts) {
      const auto linked = make_etc_link(made.file.get(), text, name);
      // What an operation has made before stays.
      if (!linked && linked.error().number != EEXIST) return linked;
    }
    return {};
  });
}

}  // namespace wg4::container
