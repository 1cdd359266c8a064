#pragma once
// bubblewrap's words (bwrap(1)) and ours beside them, as a Container. Their order counts: an operation is applied upon
// those before it, and --perms is for the next one.
//
//   Words words;
//   TRY(words.take("ro-bind", {"/usr", "/usr"}));
//   TRY(words.take("tmpfs", {"/tmp"}));
//   Contained contained = TRY(std::move(words).finish({"ls", "/"}));

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "netns-helper/container/container.h"
#include "netns-helper/container/operations/operation.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4::container {

/// A word without its dashes, and its arguments.
struct TakenWord {
  std::string word;
  std::vector<std::string> arguments;
};

/// What the words ask for.
struct Contained {
  Container container;
  int info_fd = -1;                   ///< gets the PID and the namespaces, as JSON
  int json_status_fd = -1;            ///< gets the same, and the status at the end
  int block_fd = -1;                  ///< the command waits until something can be read from it
  std::vector<UniqueFd> opened = {};  ///< of the container's parameters
  std::vector<TakenWord> taken = {};  ///< all, in their order; those of --args instead of itself
};

class Words {
 public:
  enum class Network : std::uint8_t { hosts, another };

  /// As bubblewrap begins: this user's ids and environment, the host's network, the caller's session, an empty root.
  explicit Words(Network network = Network::hosts);

  /// How many arguments the word has; nothing for one that is none of these. Words are without their dashes.
  [[nodiscard]] static std::optional<std::size_t> arguments_of(std::string_view word);

  /// The next word, with that many arguments. Contents of --file and its like, and words of --args, are read here.
  [[nodiscard]] Result<void> take(std::string_view word, std::span<const std::string> arguments);

  /// All words of a line: "--ro-bind", "/usr", "/usr", "--perms=0700", ... until the first that is no option, or "--".
  /// Returns what is left: the command.
  [[nodiscard]] Result<std::span<const std::string>> take_line(std::span<const std::string> line);

  [[nodiscard]] Result<Contained> finish(std::span<const std::string> command) &&;

 private:
  using Arguments = std::span<const std::string>;
  struct Entry;
  struct Table;
  static std::span<const Entry> table();
  static const Entry* find(std::string_view word);

  [[nodiscard]] Result<void> nothing(std::string_view word, Arguments arguments);
  [[nodiscard]] Result<void> refuse(std::string_view word, Arguments arguments);
  [[nodiscard]] Result<void> network(std::string_view word, Arguments arguments);
  [[nodiscard]] Result<void> flag(std::string_view word, Arguments arguments);
  [[nodiscard]] Result<void> id(std::string_view word, Arguments arguments);
  [[nodiscard]] Result<void> text(std::string_view word, Arguments arguments);
  [[nodiscard]] Result<void> variable(std::string_view word, Arguments arguments);
  [[nodiscard]] Result<void> delay(std::string_view word, Arguments arguments);
  [[nodiscard]] Result<void> bind(std::string_view word, Arguments arguments);
  [[nodiscard]] Result<void> bind_fd(std::string_view word, Arguments arguments);
  [[nodiscard]] Result<void> bytes(std::string_view word, Arguments arguments);
  [[nodiscard]] Result<void> make(std::string_view word, Arguments arguments);
  [[nodiscard]] Result<void> change(std::string_view word, Arguments arguments);
  [[nodiscard]] Result<void> overlay(std::string_view word, Arguments arguments);
  [[nodiscard]] Result<void> modify_next(std::string_view word, Arguments arguments);
  [[nodiscard]] Result<void> capability(std::string_view word, Arguments arguments);
  [[nodiscard]] Result<void> filter(std::string_view word, Arguments arguments);
  [[nodiscard]] Result<void> landlock(std::string_view word, Arguments arguments);
  [[nodiscard]] Result<void> status_fd(std::string_view word, Arguments arguments);
  [[nodiscard]] Result<void> extra_fd(std::string_view word, Arguments arguments);
  [[nodiscard]] Result<void> cgroup(std::string_view word, Arguments arguments);
  [[nodiscard]] Result<void> more_words(std::string_view word, Arguments arguments);

  void start_here();
  [[nodiscard]] Result<void> expect_used(std::string_view next, bool uses_mode, bool uses_size) const;
  [[nodiscard]] Result<void> check_extra_files() const;
  void add(Operation operation);
  [[nodiscard]] mode_t take_mode(mode_t otherwise);

  Contained contained_;
  std::optional<mode_t> mode_;         // of --perms, for the next operation
  std::optional<std::uint64_t> size_;  // of --size, likewise
  std::vector<std::string> layers_;    // of --overlay-src, the lowest first
  std::set<int> unsafe_fds_;           // of --fd N:unsafe
  std::string argv0_;
  bool deny_user_namespaces_ = false;
  std::size_t depth_ = 0;  // of --args
};

}  // namespace wg4::container
