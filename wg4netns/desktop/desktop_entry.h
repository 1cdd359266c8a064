#pragma once
// A desktop entry, as the file of an application in a menu: freedesktop.org's Desktop Entry Specification 1.5. Read
// line by line and changed by key, so that all other lines stay as they are, comments and order included.
// Pure.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"

namespace wg4::desktop {

inline constexpr std::size_t max_entry_size = std::size_t{1} << 20;  ///< bytes

/// "Key[locale]=value", or a comment or an empty line, which has no key.
struct EntryLine {
  std::string key{};    ///< with the locale
  std::string value{};  ///< as it is in the file, or the whole line if there is no key
};

/// "[name]" and the lines below.
struct EntryGroup {
  std::string name;
  std::vector<EntryLine> lines{};

  /// Null if there is none.
  [[nodiscard]] const std::string* find(std::string_view key) const;
  /// In the place of the former value, or behind the last key.
  void set(const std::string& key, std::string value);
  void remove(std::string_view key);
};

class DesktopEntry {
 public:
  static constexpr std::string_view main_group = "Desktop Entry";
  static constexpr std::string_view action_prefix = "Desktop Action ";

  /// An error names the line.
  [[nodiscard]] static Result<DesktopEntry> parse(std::string_view text);
  [[nodiscard]] std::string text() const;

  /// The group of an application itself: the first one, without which there is no entry.
  [[nodiscard]] EntryGroup& main() { return groups_.front(); }
  [[nodiscard]] const EntryGroup& main() const { return groups_.front(); }
  [[nodiscard]] std::vector<EntryGroup>& groups() { return groups_; }
  [[nodiscard]] const std::vector<EntryGroup>& groups() const { return groups_; }

 private:
  std::vector<EntryLine> before_;  // comments above the first group
  std::vector<EntryGroup> groups_;
};

/// What the escapes of a value mean: \s \n \t \r \\; others stay.
[[nodiscard]] std::string unescaped_value(std::string_view raw);
/// The reverse of unescaped_value().
[[nodiscard]] std::string escaped_value(std::string_view text);

/// The words of an Exec value, as it is in the file; field codes ("%u") are words like others. An error for a quote
/// that does not end.
[[nodiscard]] Result<std::vector<std::string>> exec_words(std::string_view raw);
/// Words as the beginning of an Exec value: each of them is what the program gets, whatever is in it.
[[nodiscard]] std::string to_exec(const std::vector<std::string>& words);

}  // namespace wg4::desktop
