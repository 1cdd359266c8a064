#include <algorithm>
#include <array>
#include <cerrno>
#include <expected>
#include <list>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "netns-helper/container/mounts/folder_entries.h"
#include "netns-helper/container/operations/operation.h"
#include "netns-helper/container/operations/source.h"
#include "netns-helper/container/operations/step.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4::container {
namespace {

/// These have operations of their own, or are the user's to choose.
constexpr std::array left_out{"proc", "dev", "tmp", "mnt", "etc"};

/// The operation for one entry. One that has just gone is none.
Result<Operation> operation_for(const Root& root, const UniqueFd& folder, const std::string& name) {
  const std::string source = (root.source == "/" ? "" : root.source) + "/" + name;
  auto text = link_text(folder.get(), name, source);
  if (!text && text.error().number != ENOENT) return std::unexpected(text.error());
  if (text && *text) return Link{.target = "/" + name, .text = **text};
  return Bind{
      .source = source, .target = "/" + name, .writable = root.writable, .device = root.device, .optional = true};
}

struct EntryStep {
  Operation operation;
  Step step;
};

}  // namespace

Result<Step> prepare(const Root& root) {
  const Source source = TRY(find_folder(root.source));
  std::list<EntryStep> entries;  // whose elements stay where they are
  for (const std::string& name : TRY(names_in(source.file.get(), root.source))) {
    if (std::ranges::find(left_out, name) != left_out.end()) continue;
    EntryStep& entry = entries.emplace_back(TRY(operation_for(root, source.file, name)), Step());
    entry.step = TRY(std::visit([](const auto& each) { return prepare(each); }, entry.operation));
  }
  return Step([entries = std::move(entries)](Site& site) mutable -> Result<void> {
    for (EntryStep& entry : entries) TRY(entry.step(site));
    return {};
  });
}

}  // namespace wg4::container
