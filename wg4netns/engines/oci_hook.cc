#include "wg4netns/engines/oci_hook.h"

#include <fcntl.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/unique_fd.h"
#include "shared/sys/background.h"
#include "shared/sys/deadline.h"
#include "shared/sys/log.h"
#include "shared/sys/named_file.h"
#include "shared/sys/read_all.h"
#include "wg4netns/commands/parser.h"
#include "wg4netns/commands/tunnel_options.h"
#include "wg4netns/daemon/attach.h"
#include "wg4netns/engines/oci_state.h"
#include "wg4netns/forward/forward_loop.h"
#include "wg4netns/forward/publish_spec.h"
#include "wg4netns/profile/config_file.h"

namespace wg4 {
namespace {

constexpr std::size_t short_id = 12;  // as engines show it

constexpr std::chrono::seconds patience{10};  // with a runtime that has started us to read what it writes

/// Reads a file of the bundle. No link in there is followed.
Result<std::string> read_from_bundle(const std::string& bundle, const std::string& file, std::size_t limit) {
  const std::string name = bundle + "/" + file;
  const UniqueFd folder = TRY(open_folder(bundle));
  const NamedFile found = TRY(NamedFile::find_below(folder.get(), file, Links::none, name));
  TRY(found.expect_regular());
  const UniqueFd fd = TRY(found.open(O_RDONLY));
  return read_all(fd.get(), name, limit, deadline_in(patience));
}

/// "8080:80 127.0.0.1:5353:53/udp"; podman splits annotations at commas.
Result<void> publish(forward::Settings& settings, const std::string& list) {
  std::istringstream words(list);
  for (std::string spec; words >> spec;) {
    const auto rules = TRY(forward::parse_publish(spec, forward::published_loopback()));
    settings.published.insert(settings.published.end(), rules.begin(), rules.end());
  }
  return {};
}

Result<void> apply(const std::string& name, const std::string& value, AttachCommand& command) {
  const std::string annotation = std::string(oci::annotation_prefix) + name;
  if (name == "profile") {
    command.tunnel.profile = value;
  } else if (name == "config") {
    if (!value.starts_with('/')) return fail(annotation + "=" + value + " is not an absolute path");
    command.tunnel.config = value;
    command.tunnel.config_named_by = NamedBy::untrusted;
  } else if (name == "ifname") {
    command.ifname = value;
  } else if (name == "publish") {
    if (auto result = publish(command.forward, value); !result) return fail_in(annotation, std::move(result).error());
  } else if (name == "allow-shared-key") {
    if (value != "true" && value != "false") return fail(annotation + "=" + value + " is neither true nor false");
    command.tunnel.allow_shared_key = value == "true";
  }
  return {};
}

/// An image brings annotations, too: one that the hook's file does not allow is refused, and not ignored.
Result<void> expect_allowed(const OciHookCommand& hook, const oci::State& state) {
  for (const auto& [name, value] : state.annotations) {
    const std::string annotation = "the annotation " + std::string(oci::annotation_prefix) + name;
    if (name == "profile" || hook.allowed_annotations.contains(name)) continue;
    if (std::ranges::find(oci::optional_annotations, name) == oci::optional_annotations.end())
      return fail(annotation + " is unknown to this version", 0,
                  "It knows profile, config, ifname, publish and allow-shared-key");
    return fail(annotation + " is not allowed, as it may come from an image", 0,
                "To allow it add --allow-annotations=" + name + " to args in the hook's file");
  }
  return {};
}

/// The command of the hook's file, with what the annotations ask for.
Result<AttachCommand> make_command(const OciHookCommand& hook, const oci::State& state) {
  TRY(expect_allowed(hook, state));
  AttachCommand command = hook.attach;
  const auto& annotations = state.annotations;
  if (annotations.contains("profile") && annotations.contains("config"))
    return fail("the container has the annotations profile and config", 0, "Give only one of them");
  if (annotations.contains("profile")) command.tunnel.config.reset();
  if (annotations.contains("config")) command.tunnel.profile.reset();
  for (const auto& [name, value] : annotations) TRY(apply(name, value, command));
  command.target = std::to_string(state.pid);
  command.target_type = TargetType::pid;
  const std::string config = TRY(read_from_bundle(state.bundle, "config.json", oci::max_config_size));
  command.resolv_conf = TRY(oci::find_resolv_conf(config, state));
  return command;
}

Result<void> serve_container(const OciHookCommand& hook, const oci::State& state) {
  AttachCommand command = TRY(make_command(hook, state));
  const pid_t pid = TRY(run_in_background([&](UniqueFd ready) {
    command.tunnel.ready_fd = ready.release();
    return attach(command);
  }));
  log::debug("process {} has the tunnel from here on", pid);
  return {};
}

void allow(OciHookCommand& command, const std::vector<std::string>& annotations) {
  for (const std::string& name : annotations) {
    if (name == "all")
      command.allowed_annotations.insert(oci::optional_annotations.begin(), oci::optional_annotations.end());
    else
      command.allowed_annotations.insert(name);
  }
}

}  // namespace

Parsed<OciHookCommand> parse_oci_hook(const Arguments& arguments) {
  OciHookCommand command;
  std::string stage;
  Parser parser("Gives a container the tunnel that its annotations name; a container runtime runs it, as a hook.",
                arguments);
  parser.argument("STAGE", stage, "createRuntime").required().one_of({"createRuntime"});
  parser
      .list(
          "--allow-annotations", "LIST", [&command](const std::vector<std::string>& names) { allow(command, names); },
          "Beside profile, comma separated: config ifname publish allow-shared-key; or all")
      .one_of({"config", "ifname", "publish", "allow-shared-key", "all"});
  add_helper_option(parser, command.attach.helper);
  add_tunnel_options(parser, command.attach.tunnel);
  if (auto text = TRY(parser.parse())) return *std::move(text);
  return command;
}

Result<void> run_oci_hook(const OciHookCommand& command) {
  const std::string text =
      TRY(read_all(STDIN_FILENO, "the container's state", oci::max_state_size, deadline_in(patience)));
  const oci::State state = TRY(oci::parse_state(text));
  if (state.annotations.empty()) return {};
  auto result = serve_container(command, state);
  if (result) return {};
  auto error = fail_in("container " + state.id.substr(0, short_id), std::move(result).error());
  // Runtimes like crun drop what a hook writes to stderr.
  openlog("wireguard4netns", LOG_PID, LOG_USER);
  syslog(LOG_ERR, "%s", error.error().message().c_str());
  return error;
}

}  // namespace wg4
