#include "netns-helper/container/words/words.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <utility>

#include "netns-helper/container/filter/policy.h"
#include "netns-helper/container/filter/presets.h"
#include "netns-helper/container/words/values.h"
#include "shared/base/escaped_text.h"
#include "shared/base/near_word.h"
#include "shared/sys/process.h"

namespace wg4::container {

struct Words::Entry {
  std::string_view word;
  std::size_t arguments;
  Result<void> (Words::*take)(std::string_view word, Arguments arguments);
  bool uses_mode = false;  ///< takes --perms
  bool uses_size = false;  ///< takes --size
};

namespace {

constexpr std::size_t max_depth = 8;  // of --args in --args
constexpr std::size_t max_words_size = std::size_t{8} * 1024 * 1024;

/// NUL-terminated strings.
std::vector<std::string> split_at_nul(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\0'), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

}  // namespace

struct Words::Table {
  static constexpr auto entries = std::to_array<Entry>({
      // these namespaces are made in any case, and a container never outlives its starter
      {"unshare-user", 0, &Words::nothing},
      {"unshare-user-try", 0, &Words::nothing},
      {"unshare-ipc", 0, &Words::nothing},
      {"unshare-pid", 0, &Words::nothing},
      {"unshare-uts", 0, &Words::nothing},
      {"unshare-cgroup", 0, &Words::nothing},
      {"unshare-cgroup-try", 0, &Words::nothing},
      {"die-with-parent", 0, &Words::nothing},
      {"unshare-net", 0, &Words::network},
      {"unshare-all", 0, &Words::network},
      {"share-net", 0, &Words::network},
      {"new-session", 0, &Words::flag},
      {"as-pid-1", 0, &Words::flag},
      {"disable-userns", 0, &Words::flag},
      {"forward-cancel", 0, &Words::flag},
      {"host-abstract", 0, &Words::flag},
      {"log-denied", 0, &Words::flag},
      {"multiarch", 0, &Words::flag},
      {"uid", 1, &Words::id},
      {"gid", 1, &Words::id},
      {"hostname", 1, &Words::text},
      {"chdir", 1, &Words::text},
      {"argv0", 1, &Words::text},
      {"setenv", 2, &Words::variable},
      {"unsetenv", 1, &Words::variable},
      {"clearenv", 0, &Words::variable},
      {"wait-delay", 1, &Words::delay},
      {"adopt-wait", 1, &Words::delay},
      {"bind", 2, &Words::bind},
      {"bind-try", 2, &Words::bind},
      {"dev-bind", 2, &Words::bind},
      {"dev-bind-try", 2, &Words::bind},
      {"ro-bind", 2, &Words::bind},
      {"ro-bind-try", 2, &Words::bind},
      {"bind-fd", 2, &Words::bind_fd},
      {"ro-bind-fd", 2, &Words::bind_fd},
      {"file", 2, &Words::bytes, true},
      {"bind-data", 2, &Words::bytes, true},
      {"ro-bind-data", 2, &Words::bytes, true},
      {"proc", 1, &Words::make},
      {"dev", 1, &Words::make},
      {"sys", 1, &Words::make},
      {"mqueue", 1, &Words::make},
      {"tmpfs", 1, &Words::make, true, true},
      {"dir", 1, &Words::make, true},
      {"symlink", 2, &Words::make},
      {"remount-ro", 1, &Words::change},
      {"chmod", 2, &Words::change},
      {"overlay-src", 1, &Words::overlay},
      {"overlay", 3, &Words::overlay},
      {"tmp-overlay", 1, &Words::overlay},
      {"ro-overlay", 1, &Words::overlay},
      {"perms", 1, &Words::modify_next, true, true},
      {"size", 1, &Words::modify_next, true, true},
      {"cap-add", 1, &Words::capability},
      {"cap-drop", 1, &Words::capability},
      {"seccomp", 1, &Words::filter},
      {"add-seccomp-fd", 1, &Words::filter},
      {"landlock", 1, &Words::landlock},
      {"info-fd", 1, &Words::status_fd},
      {"json-status-fd", 1, &Words::status_fd},
      {"block-fd", 1, &Words::status_fd},
      {"sync-fd", 1, &Words::status_fd},
      {"fd", 1, &Words::extra_fd},
      {"cgroup", 1, &Words::cgroup},
      {"args", 1, &Words::more_words, true, true},
      // bubblewrap's, which have no place here
      {"userns", 1, &Words::refuse},
      {"userns2", 1, &Words::refuse},
      {"pidns", 1, &Words::refuse},
      {"userns-block-fd", 1, &Words::refuse},
      {"assert-userns-disabled", 0, &Words::refuse},
      {"lock-file", 1, &Words::refuse},
      {"exec-label", 1, &Words::refuse},
      {"file-label", 1, &Words::refuse},
  });
};

std::span<const Words::Entry> Words::table() { return Table::entries; }

const Words::Entry* Words::find(std::string_view word) {
  const auto entries = table();
  const auto found = std::ranges::find(entries, word, &Entry::word);
  return found == entries.end() ? nullptr : &*found;
}

Words::Words(Network network) {
  Container& container = contained_.container;
  container.uid = geteuid();
  container.gid = getegid();
  container.environment = own_environment();
  container.host_network = network == Network::hosts;
  container.retain_session = true;
  container.adopt_wait_delay = std::chrono::milliseconds(-1);
  start_here();
}

/// In this process' working folder, if it is there inside; else at home, else at the root.
void Words::start_here() {
  Container& container = contained_.container;
  std::error_code error;
  const std::string here = std::filesystem::current_path(error).string();
  if (!error) container.directory = here;
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/')
    container.else_directories.emplace_back(home);
  container.else_directories.emplace_back("/");
}

std::optional<std::size_t> Words::arguments_of(std::string_view word) {
  const Entry* const entry = find(word);
  if (entry == nullptr) return std::nullopt;
  return entry->arguments;
}

Result<void> Words::take(std::string_view word, std::span<const std::string> arguments) {
  const Entry* const entry = find(word);
  if (entry == nullptr) return fail("there is no option " + option(printable(word)));
  if (arguments.size() != entry->arguments)
    return fail(option(word) + " takes " + std::to_string(entry->arguments) +
                (entry->arguments == 1 ? " argument" : " arguments"));
  TRY(expect_used(word, entry->uses_mode, entry->uses_size));
  if (entry->take != &Words::more_words)
    contained_.taken.push_back({std::string(word), {arguments.begin(), arguments.end()}});
  return (this->*entry->take)(word, arguments);
}

Result<std::span<const std::string>> Words::take_line(std::span<const std::string> line) {
  while (!line.empty() && line.front().starts_with("--")) {
    std::string_view word = std::string_view(line.front()).substr(2);
    line = line.subspan(1);
    if (word.empty()) return line;
    const std::size_t equals = word.find('=');
    const Entry* const entry = find(word.substr(0, equals));
    if (entry == nullptr) {
      std::vector<std::string_view> known;
      std::ranges::transform(table(), std::back_inserter(known), &Entry::word);
      const std::string_view near = nearest_word(word, known);
      return fail("there is no option " + printable(option(word)), 0,
                  near.empty() ? "" : "Is it " + option(near) + "?");
    }
    if (equals != std::string_view::npos) {
      const std::string value(word.substr(equals + 1));
      if (entry->arguments != 1) return fail(option(entry->word) + " takes no argument after \"=\"");
      TRY(take(entry->word, std::span(&value, 1)));
      continue;
    }
    TRY(take(word, line.first(std::min(entry->arguments, line.size()))));
    line = line.subspan(entry->arguments);
  }
  return line;
}

/// --perms and --size are for the operation that follows them, and layers for an overlay.
Result<void> Words::expect_used(std::string_view next, bool uses_mode, bool uses_size) const {
  if (mode_ && !uses_mode)
    return fail("--perms is for --dir, --tmpfs, --file and --bind-data, and not for " + option(next));
  if (size_ && !uses_size) return fail("--size is for --tmpfs, and not for " + option(next));
  if (!layers_.empty() && !next.ends_with("overlay") && next != "overlay-src" && next != "args")
    return fail("--overlay-src is for --overlay, --tmp-overlay and --ro-overlay, and not for " + option(next));
  return {};
}

Result<Contained> Words::finish(std::span<const std::string> command) && {
  if (mode_ || size_ || !layers_.empty())
    return fail("--perms, --size and --overlay-src are for an option that follows them");
  if (command.empty()) return fail("there is no command to run", 0, "It is what follows the options: ... -- COMMAND");
  Container& container = contained_.container;
  container.arguments.assign(command.begin(), command.end());
  if (!argv0_.empty()) container.path = std::exchange(container.arguments.front(), argv0_);
  if (deny_user_namespaces_)
    container.seccomp_programs.insert(
        container.seccomp_programs.begin(),
        TRY(filter::compile(filter::make_policy(filter::Preset::deny_ns, container.seccomp_flags))));
  TRY(check_extra_files());
  return std::move(contained_);
}

/// A socket works in the network that it was made in, wherever it is passed.
Result<void> Words::check_extra_files() const {
  const Container& container = contained_.container;
  if (container.host_network) return {};
  for (const InheritedFd& file : container.extra_files) {
    int family = AF_UNIX;
    socklen_t size = sizeof family;
    if (unsafe_fds_.contains(file.from) || getsockopt(file.from, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0) continue;
    if (family != AF_UNIX)
      return fail("--fd " + std::to_string(file.from) +
                      ": it is a socket of the host's network, by which the command "
                      "would get around its own",
                  0, "If it is to have it: --fd " + std::to_string(file.from) + ":unsafe");
  }
  return {};
}

void Words::add(Operation operation) { contained_.container.operations.push_back(std::move(operation)); }

mode_t Words::take_mode(mode_t otherwise) { return std::exchange(mode_, std::nullopt).value_or(otherwise); }

Result<void> Words::more_words(std::string_view word, Arguments arguments) {
  if (++depth_ > max_depth) return fail("--args: more than " + std::to_string(max_depth) + " of them in each other");
  const std::vector<std::string> words = split_at_nul(TRY(read_fd(word, arguments[0], max_words_size)));
  const auto rest = TRY(take_line(words));
  --depth_;
  if (!rest.empty()) return fail("--args " + arguments[0] + ": " + printable(rest.front()) + " is no option");
  return {};
}

}  // namespace wg4::container
