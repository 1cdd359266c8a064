#include "wg4netns/desktop/desktop_entry.h"

#include <algorithm>
#include <cstddef>
#include <expected>
#include <iterator>
#include <utility>

#include "shared/base/escaped_text.h"

namespace wg4::desktop {
namespace {

// A word with one of these is quoted: the specification reserves them in Exec.
constexpr std::string_view reserved = " \t\n\"'\\><~|&;$*?#()`";
constexpr std::string_view escaped_in_quotes = "\"`$\\";

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t') || text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

bool is_key(std::string_view key) {
  const auto plain = key.substr(0, key.find('['));
  return !plain.empty() && (plain.size() == key.size() || key.ends_with(']')) && std::ranges::all_of(plain, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

std::unexpected<Error> wrong(std::size_t line, const std::string& what) {
  return fail("line " + std::to_string(line) + ": " + what);
}

Result<EntryGroup> parse_header(std::string_view line, std::size_t number) {
  if (!line.ends_with(']') || line.size() < 3) return wrong(number, "no group: " + printable(std::string(line)));
  return EntryGroup{.name = std::string(line.substr(1, line.size() - 2))};
}

Result<EntryLine> parse_entry(std::string_view line, std::size_t number) {
  const auto equals = line.find('=');
  const std::string_view key = trimmed(line.substr(0, equals));
  if (equals == std::string_view::npos || !is_key(key))
    return wrong(number, "neither a group nor a key and its value: " + printable(std::string(line)));
  return EntryLine{std::string(key), std::string(trimmed(line.substr(equals + 1)))};
}

std::string text_of(const EntryLine& line) { return (line.key.empty() ? "" : line.key + "=") + line.value + "\n"; }

std::string quoted_word(std::string_view word) {
  std::string text;
  for (const char c : word) {
    if (escaped_in_quotes.contains(c)) text += '\\';
    text += c;
    if (c == '%') text += '%';  // alone it begins a field code
  }
  return word.empty() || word.find_first_of(reserved) != std::string_view::npos ? "\"" + text + "\"" : text;
}

/// One word of an Exec value at `at`, which moves behind it. As GLib reads it, single quotes do what they do in a
/// shell.
Result<std::string> take_word(std::string_view text, std::size_t& at) {
  std::string word;
  char quote = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    const bool escapes =
        c == '\\' && at + 1 < text.size() && quote != '\'' && (quote == 0 || escaped_in_quotes.contains(text[at + 1]));
    if (escapes) {
      word += text[++at];
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == ' ' || c == '\t' || c == '\n')) {
      return word;
    } else {
      word += c;
    }
  }
  if (quote != 0) return fail("the quote in Exec does not end: " + printable(std::string(text)));
  return word;
}

}  // namespace

const std::string* EntryGroup::find(std::string_view key) const {
  const auto found = std::ranges::find(lines, key, &EntryLine::key);
  return found == lines.end() || key.empty() ? nullptr : &found->value;
}

void EntryGroup::set(const std::string& key, std::string value) {
  const auto found = std::ranges::find(lines, key, &EntryLine::key);
  if (found != lines.end()) {
    found->value = std::move(value);
    return;
  }
  auto end = lines.end();
  while (end != lines.begin() && std::prev(end)->key.empty()) --end;
  lines.insert(end, EntryLine{key, std::move(value)});
}

void EntryGroup::remove(std::string_view key) {
  std::erase_if(lines, [key](const EntryLine& line) { return line.key == key; });
}

Result<DesktopEntry> DesktopEntry::parse(std::string_view text) {
  if (text.size() > max_entry_size) return fail("it is larger than 1 MiB");
  DesktopEntry entry;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view whole = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), whole.size() + 1));
    const std::string_view line = trimmed(whole);
    if (line.contains('\0')) return wrong(number, "it has a NUL byte");
    if (line.starts_with('[')) {
      EntryGroup group = TRY(parse_header(line, number));
      if (std::ranges::find(entry.groups_, group.name, &EntryGroup::name) != entry.groups_.end())
        return wrong(number, "the group " + printable(group.name) + " is there already");
      entry.groups_.push_back(std::move(group));
      continue;
    }
    const bool is_comment = line.empty() || line.starts_with('#');
    if (!is_comment && entry.groups_.empty()) return wrong(number, "a key before any group");
    std::vector<EntryLine>& lines = entry.groups_.empty() ? entry.before_ : entry.groups_.back().lines;
    EntryLine parsed = is_comment ? EntryLine{.value = std::string(line)} : TRY(parse_entry(line, number));
    if (!is_comment && std::ranges::find(lines, parsed.key, &EntryLine::key) != lines.end())
      return wrong(number, "the key " + printable(parsed.key) + " is there already");
    lines.push_back(std::move(parsed));
  }
  if (entry.groups_.empty() || entry.main().name != main_group)
    return fail("it is no desktop entry: its first group is not [Desktop Entry]");
  return entry;
}

std::string DesktopEntry::text() const {
  std::string text;
  for (const EntryLine& line : before_) text += text_of(line);
  for (const EntryGroup& group : groups_) {
    text += "[" + group.name + "]\n";
    for (const EntryLine& line : group.lines) text += text_of(line);
  }
  return text;
}

std::string unescaped_value(std::string_view raw) {
  std::string text;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    constexpr std::string_view letters = "sntr\\";
    constexpr std::string_view meanings = " \n\t\r\\";
    const auto letter = raw[i] == '\\' && i + 1 < raw.size() ? letters.find(raw[i + 1]) : std::string_view::npos;
    text += letter == std::string_view::npos ? raw[i] : meanings[letter];
    if (letter != std::string_view::npos) ++i;
  }
  return text;
}

std::string escaped_value(std::string_view text) {
  std::string raw;
  for (const char c : text) {
    switch (c) {
      case '\\':
        raw += "\\\\";
        break;
      case '\n':
        raw += "\\n";
        break;
      case '\t':
        raw += "\\t";
        break;
      case '\r':
        raw += "\\r";
        break;
      default:
        raw += c == ' ' && raw.empty() ? "\\s" : std::string(1, c);
    }
  }
  return raw;
}

Result<std::vector<std::string>> exec_words(std::string_view raw) {
  const std::string text = unescaped_value(raw);
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == ' ' || text[at] == '\t' || text[at] == '\n') continue;
    words.push_back(TRY(take_word(text, at)));
  }
  return words;
}

std::string to_exec(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text.append(text.empty() ? "" : " ").append(quoted_word(word));
  return escaped_value(text);
}

}  // namespace wg4::desktop
