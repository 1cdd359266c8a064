#include "wg4netns/engines/oci_state.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>

namespace wg4::oci {
namespace {

using Json = nlohmann::json;

constexpr std::string_view resolv_conf = "/etc/resolv.conf";

/// Parses `text` as an object; messages call it `name`.
Result<Json> parse_object(std::string_view text, const std::string& name) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object())
    return fail(name + " is not a JSON object", 0, "A container runtime runs this command, and hands it its state");
  return json;
}

/// A member that is a string; null if it is missing or something else.
const std::string* find_string(const Json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : found->get_ptr<const std::string*>();
}

/// Can it be passed on to the file system, to logs and to errors?
bool is_printable(std::string_view text) {
  return !text.empty() &&
         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

Result<std::string> printable_string(const Json& state, const char* name) {
  const std::string* text = find_string(state, name);
  if (text == nullptr || !is_printable(*text)) return fail(std::string("the container's state has no proper ") + name);
  return *text;
}

Result<std::int32_t> find_pid(const Json& state) {
  const auto found = state.find("pid");
  // Below zero it is of another type; as a double it would be no pid.
  const auto* number = found == state.end() ? nullptr : found->get_ptr<const std::uint64_t*>();
  if (number == nullptr || *number == 0 || *number > INT32_MAX)
    return fail("the container's state has no process id", 0, "This hook is for the stage createRuntime only");
  return static_cast<std::int32_t>(*number);
}

Result<std::map<std::string, std::string>> find_annotations(const Json& state) {
  std::map<std::string, std::string> ours;
  const auto found = state.find("annotations");
  if (found == state.end() || !found->is_object()) return ours;
  for (const auto& [name, value] : found->items()) {
    if (!name.starts_with(annotation_prefix)) continue;
    const auto* text = value.get_ptr<const std::string*>();
    if (!is_printable(name) || text == nullptr || !is_printable(*text))
      return fail("an annotation " + std::string(annotation_prefix) + "* is empty or has control characters");
    ours.emplace(name.substr(annotation_prefix.size()), *text);
  }
  return ours;
}

/// The uid that is the container's 0 in a user namespace of its own; else 0 as it is.
std::uint32_t root_of_container(const Json& config) {
  const Json::json_pointer place("/linux/uidMappings");
  if (!config.contains(place) || !config[place].is_array()) return 0;
  for (const Json& mapping : config[place]) {
    if (!mapping.is_object()) continue;
    const auto inside = mapping.find("containerID");
    const auto outside = mapping.find("hostID");
    const auto* first = inside == mapping.end() ? nullptr : inside->get_ptr<const std::uint64_t*>();
    const auto* uid = outside == mapping.end() ? nullptr : outside->get_ptr<const std::uint64_t*>();
    if (first != nullptr && *first == 0 && uid != nullptr && *uid <= UINT32_MAX)
      return static_cast<std::uint32_t>(*uid);
  }
  return 0;
}

/// Is `folder` one of the folders that `path` leads through?
bool leads_through(std::string_view path, const std::string& folder) {
  return path.find("/" + folder + "/") != std::string_view::npos;
}

}  // namespace

Result<State> parse_state(std::string_view text) {
  const Json json = TRY(parse_object(text, "standard input"));
  State state;
  state.annotations = TRY(find_annotations(json));
  if (state.annotations.empty()) return state;
  state.id = TRY(printable_string(json, "id"));
  state.pid = TRY(find_pid(json));
  state.bundle = TRY(printable_string(json, "bundle"));
  if (!state.bundle.starts_with('/'))
    return fail("the container's bundle " + state.bundle + " is not an absolute path");
  return state;
}

Result<std::optional<ContainerResolvConf>> find_resolv_conf(std::string_view config_json, const State& state) {
  const std::string name = state.bundle + "/config.json";
  const Json config = TRY(parse_object(config_json, name));
  const std::uint32_t owner = root_of_container(config);
  std::optional<ContainerResolvConf> mounted;
  for (const Json& mount : config.value("mounts", Json::array())) {
    const std::string* destination = find_string(mount, "destination");
    if (destination == nullptr || *destination != resolv_conf) continue;
    const std::string* source = find_string(mount, "source");
    if (source == nullptr || !is_printable(*source) || !leads_through(*source, state.id)) return std::nullopt;
    const std::size_t slash = source->rfind('/');
    mounted = ContainerResolvConf{source->substr(0, slash + 1), source->substr(slash + 1), owner};
  }
  if (mounted) return mounted;

  const auto root = config.find("root");
  const std::string* path = root == config.end() ? nullptr : find_string(*root, "path");
  if (path == nullptr || !is_printable(*path)) return fail(name + " names no root folder");
  if (*path == "/") return std::nullopt;  // the host's own files
  if (path->starts_with(state.bundle + "/"))
    return ContainerResolvConf{state.bundle, path->substr(state.bundle.size() + 1) + std::string(resolv_conf), owner};
  if (path->starts_with('/')) return ContainerResolvConf{*path, std::string(resolv_conf.substr(1)), owner};
  return ContainerResolvConf{state.bundle, *path + std::string(resolv_conf), owner};
}

}  // namespace wg4::oci
