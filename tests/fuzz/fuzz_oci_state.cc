// A container runtime's JSON has untrusted values in it (annotations of an image): none may crash, and accepted values
// are safe for paths and logs.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "shared/base/check.h"
#include "wg4netns/engines/oci_state.h"

namespace {

bool is_fit(std::string_view text) {
  return !text.empty() && text.find('\0') == std::string_view::npos && text.find('\n') == std::string_view::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  if (const auto state = wg4::oci::parse_state(text); state && !state->annotations.empty()) {
    CHECK(state->pid > 0 && is_fit(state->id) && state->bundle.starts_with('/'));
    for (const auto& [name, value] : state->annotations) CHECK(is_fit(value) && name.find('\0') == std::string::npos);
  }
  const wg4::oci::State container{.id = "77c5", .pid = 1, .bundle = "/b", .annotations = {}};
  const auto file = wg4::oci::find_resolv_conf(text, container);
  if (!file || !*file) return 0;
  CHECK((*file)->folder.starts_with('/') && !(*file)->path.starts_with('/') && is_fit((*file)->path));
  // What is a mount's is in a folder that only the engine made.
  CHECK((*file)->path.ends_with("etc/resolv.conf") || (*file)->folder.find("/77c5/") != std::string::npos);
  return 0;
}
