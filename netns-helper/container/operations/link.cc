#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "netns-helper/container/mounts/folder_entries.h"
#include "netns-helper/container/operations/operation.h"
#include "netns-helper/container/operations/step.h"
#include "netns-helper/container/operations/targets.h"
#include "shared/base/escaped_text.h"
#include "shared/base/result.h"

namespace wg4::container {
namespace {

Result<std::string> text_of(const Link& link) {
  if (link.text.empty() || link.text.contains('\0'))
    return fail("the link " + printable(link.target) + " needs a text");
  if (!link.dereference) return link.text;
  const std::string what = "the source " + printable(link.text);
  if (!link.text.starts_with('/')) return fail(what + " is no absolute path", 0, "Begin it with /");
  const auto text = TRY(link_text(AT_FDCWD, link.text, link.text));
  if (!text) return fail(what + " is no link", 0, "Give the text of the new link itself");
  return *text;
}

}  // namespace

Result<Step> prepare(const Link& link) {
  return Step([&link, text = TRY(text_of(link))](Site& site) -> Result<void> {
    const NewEntry entry = TRY(site.targets.entry(link.target));
    if (symlinkat(text.c_str(), entry.folder.get(), entry.name.c_str()) == 0) return {};
    const std::string what = "make the link " + printable(entry.shown) + " in the new root";
    if (errno != EEXIST) return fail(what, errno);
    const auto other = TRY(link_text(entry.folder.get(), entry.name, entry.shown));
    if (other == text) return {};
    return fail(what, EEXIST, other ? "It is a link to " + printable(*other) : "It is no link");
  });
}

}  // namespace wg4::container
