// What each word does (words.h).

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "netns-helper/container/container.h"
#include "netns-helper/container/filter/bpf_file.h"
#include "netns-helper/container/filter/choice.h"
#include "netns-helper/container/operations/operation.h"
#include "netns-helper/container/operations_on_wire.h"
#include "netns-helper/container/words/capability_names.h"
#include "netns-helper/container/words/values.h"
#include "netns-helper/container/words/words.h"
#include "shared/base/ascii.h"
#include "shared/base/escaped_text.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4::container {
namespace {

constexpr std::size_t max_filter_size = filter::max_instructions * sizeof(sock_filter);
constexpr mode_t mode_of_files = 0666;
constexpr mode_t mode_of_data = 0600;
constexpr mode_t mode_of_folders = 0755;
constexpr std::uint64_t max_id = std::numeric_limits<uid_t>::max() - 1;  // (uid_t)-1 is no user
constexpr std::uint64_t max_seconds = 1'000'000;

bool is_number(const std::string& text) { return !text.empty() && std::ranges::all_of(text, is_digit); }

}  // namespace

Result<void> Words::nothing(std::string_view /*word*/, Arguments /*arguments*/) { return {}; }

Result<void> Words::refuse(std::string_view word, Arguments /*arguments*/) {
  const std::string hint =
      word == "assert-userns-disabled" ? "--disable-userns forbids them" : "wg4netns-container(1) says what it has";
  return fail("bubblewrap's " + option(word) + " is not supported here", 0, hint);
}

Result<void> Words::network(std::string_view word, Arguments /*arguments*/) {
  contained_.container.host_network = word == "share-net";
  return {};
}

Result<void> Words::flag(std::string_view word, Arguments /*arguments*/) {
  Container& container = contained_.container;
  if (word == "new-session") container.retain_session = false;
  if (word == "as-pid-1") container.as_pid_1 = true;
  if (word == "disable-userns") deny_user_namespaces_ = true;
  if (word == "forward-cancel") container.forward_cancel = true;
  if (word == "host-abstract") container.host_abstract = true;
  if (word == "log-denied") container.log_denied = true;
  if (word == "multiarch") container.seccomp_flags.multiarch = true;
  return {};
}

Result<void> Words::id(std::string_view word, Arguments arguments) {
  const auto number = static_cast<std::uint32_t>(TRY(parse_number(word, arguments[0], 0, max_id)));
  (word == "uid" ? contained_.container.uid : contained_.container.gid) = number;
  return {};
}

Result<void> Words::text(std::string_view word, Arguments arguments) {
  if (word == "hostname") contained_.container.hostname = arguments[0];
  if (word == "argv0") argv0_ = arguments[0];
  if (word == "chdir") {
    contained_.container.directory = inner_path(arguments[0]);
    contained_.container.else_directories.clear();
  }
  return {};
}

Result<void> Words::variable(std::string_view word, Arguments arguments) {
  std::vector<std::string>& environment = contained_.container.environment;
  if (word == "clearenv") {
    // As bubblewrap: PWD stays.
    std::erase_if(environment, [](const std::string& one) { return !one.starts_with("PWD="); });
    return {};
  }
  const std::string& name = arguments[0];
  if (name.empty() || name.contains('='))
    return fail(option(word) + " " + printable(name) + ": it is not the name of a variable");
  std::erase_if(environment, [&](const std::string& one) { return one.starts_with(name + "="); });
  if (word == "setenv") environment.push_back(name + "=" + arguments[1]);
  return {};
}

Result<void> Words::delay(std::string_view word, Arguments arguments) {
  const std::uint64_t most = word == "wait-delay" ? 30 : max_seconds;
  const std::chrono::seconds time(TRY(parse_number(word, arguments[0], 0, most)));
  (word == "wait-delay" ? contained_.container.wait_delay : contained_.container.adopt_wait_delay) = time;
  return {};
}

Result<void> Words::bind(std::string_view word, Arguments arguments) {
  add(Bind{.source = host_path(arguments[0]),
           .target = inner_path(arguments[1]),
           .writable = !word.starts_with("ro-"),
           .device = word.starts_with("dev-"),
           .optional = word.ends_with("-try")});
  return {};
}

Result<void> Words::bind_fd(std::string_view word, Arguments arguments) {
  add(Bind{.source = {},
           .target = inner_path(arguments[1]),
           .descriptor = TRY(parse_fd(word, arguments[0])),
           .writable = !word.starts_with("ro-")});
  return {};
}

Result<void> Words::bytes(std::string_view word, Arguments arguments) {
  const bool is_file = word == "file";
  Place place{.target = inner_path(arguments[1]),
              .bytes = TRY(read_fd(word, arguments[0], max_placed_size)),
              .mode = take_mode(is_file ? mode_of_files : mode_of_data),
              .as = Place::As::file};
  if (!is_file) place.as = word == "bind-data" ? Place::As::mount : Place::As::read_only_mount;
  add(std::move(place));
  return {};
}

Result<void> Words::make(std::string_view word, Arguments arguments) {
  const std::string target = inner_path(arguments.back());
  if (word == "proc") add(Proc{target});
  if (word == "dev") add(Dev{.target = target, .writable = true, .console = true});
  if (word == "sys") add(Sysfs{target});
  if (word == "mqueue") add(Mqueue{target});
  if (word == "symlink") add(Link{.target = target, .text = arguments[0]});
  if (word == "dir") add(Mkdir{.target = target, .mode = take_mode(mode_of_folders)});
  if (word == "tmpfs")
    add(Tmpfs{
        .target = target, .size = std::exchange(size_, std::nullopt).value_or(0), .mode = take_mode(mode_of_folders)});
  return {};
}

Result<void> Words::change(std::string_view word, Arguments arguments) {
  if (word == "remount-ro")
    add(Remount{.target = inner_path(arguments[0])});
  else
    add(Chmod{.target = inner_path(arguments[1]), .mode = TRY(parse_mode(word, arguments[0]))});
  return {};
}

Result<void> Words::overlay(std::string_view word, Arguments arguments) {
  if (word == "overlay-src") {
    layers_.push_back(host_path(arguments[0]));
    return {};
  }
  const std::size_t least = word == "ro-overlay" ? 2 : 1;
  if (layers_.size() < least)
    return fail(option(word) + " needs " + (least == 1 ? "an --overlay-src" : "two --overlay-src") + " before it");
  Overlay overlay;
  overlay.target = inner_path(arguments.back());
  overlay.lower = std::exchange(layers_, {});
  std::ranges::reverse(overlay.lower);  // the word that is last is the uppermost
  if (word == "tmp-overlay") overlay.writes = Overlay::Writes::to_memory;
  if (word == "overlay") {
    overlay.writes = Overlay::Writes::to_upper;
    overlay.upper = host_path(arguments[0]);
    overlay.work = host_path(arguments[1]);
  }
  add(std::move(overlay));
  return {};
}

Result<void> Words::modify_next(std::string_view word, Arguments arguments) {
  if (word == "perms") {
    if (mode_) return fail("--perms is given twice for one option");
    mode_ = TRY(parse_mode(word, arguments[0]));
  } else {
    if (size_) return fail("--size is given twice for one option");
    size_ = TRY(parse_number(word, arguments[0], 1, std::numeric_limits<std::int64_t>::max()));
  }
  return {};
}

Result<void> Words::capability(std::string_view word, Arguments arguments) {
  const std::uint64_t named = TRY(parse_capability(arguments[0]));
  std::uint64_t& kept = contained_.container.capabilities;
  kept = word == "cap-add" ? kept | named : kept & ~named;
  return {};
}

/// A descriptor has a program, as bubblewrap has it; other words choose one of ours.
Result<void> Words::filter(std::string_view word, Arguments arguments) {
  Container& container = contained_.container;
  if (word == "seccomp" && !is_number(arguments[0])) {
    container.seccomp = TRY(filter::parse_choice(arguments[0]));
    return {};
  }
  const std::string bytes = TRY(read_fd(word, arguments[0], max_filter_size));
  container.seccomp_programs.push_back(TRY(filter::parse_bpf(bytes, option(word) + " " + arguments[0])));
  return {};
}

Result<void> Words::landlock(std::string_view word, Arguments arguments) {
  using enum LandlockSettings::Mode;
  constexpr std::array<std::pair<std::string_view, LandlockSettings::Mode>, 3> modes{
      {{"auto", automatic}, {"require", require}, {"off", off}}};
  const auto* const found = std::ranges::find(modes, std::string_view(arguments[0]),
                                              &std::pair<std::string_view, LandlockSettings::Mode>::first);
  if (found == modes.end())
    return fail(option(word) + " " + printable(arguments[0]) + ": it is one of auto, require, off");
  contained_.container.landlock.mode = found->second;
  return {};
}

Result<void> Words::status_fd(std::string_view word, Arguments arguments) {
  const int fd = TRY(parse_fd(word, arguments[0]));
  if (word == "info-fd") contained_.info_fd = fd;
  if (word == "json-status-fd") contained_.json_status_fd = fd;
  if (word == "block-fd") contained_.block_fd = fd;
  return {};  // --sync-fd: this process has it until all has ended
}

Result<void> Words::extra_fd(std::string_view word, Arguments arguments) {
  constexpr std::string_view unsafe = ":unsafe";
  const std::string& text = arguments[0];
  const std::string number = text.ends_with(unsafe) ? text.substr(0, text.size() - unsafe.size()) : text;
  const int fd = TRY(parse_fd(word, number));
  if (fd <= STDERR_FILENO) return fail("--fd " + number + ": the command has descriptors 0, 1 and 2 in any case");
  if (number != text) unsafe_fds_.insert(fd);
  contained_.container.extra_files.push_back({fd, fd});
  return {};
}

Result<void> Words::cgroup(std::string_view word, Arguments arguments) {
  const std::string& text = arguments[0];
  if (is_number(text)) {
    contained_.container.cgroup = TRY(parse_fd(word, text));
    return {};
  }
  UniqueFd folder(open(text.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid()) return fail(option(word) + " " + printable(text), errno);
  contained_.container.cgroup = folder.get();
  contained_.opened.push_back(std::move(folder));
  return {};
}

}  // namespace wg4::container
