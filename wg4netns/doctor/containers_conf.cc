#include "wg4netns/doctor/containers_conf.h"

#include <cstddef>

namespace wg4::doctor {
namespace {

constexpr std::string_view blanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t start = text.find_first_not_of(blanks);
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(blanks) - start + 1);
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

/// The strings of a value, "one" or ["some", 'more'], which may go on over several lines of `rest`.
std::vector<std::string> take_strings(std::string_view line, std::string_view& rest) {
  std::vector<std::string> strings;
  const bool list = line.starts_with('[');
  for (;;) {
    while (!line.empty()) {
      const char c = line.front();
      line.remove_prefix(1);
      if (c == '#') break;
      if (c == ']') return strings;
      if (c != '"' && c != '\'') continue;
      const std::size_t end = line.find(c);
      strings.emplace_back(line.substr(0, end));
      line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
      if (!list) return strings;
    }
    if (!list || rest.empty()) return strings;
    line = take_line(rest);
  }
}

}  // namespace

void read_containers_conf(std::string_view text, ContainersConf& conf) {
  std::string_view table;
  while (!text.empty()) {
    const std::string_view line = trimmed(take_line(text));
    if (line.starts_with('[')) {
      table = trimmed(line.substr(1, line.find(']') - 1));
      continue;
    }
    const std::size_t equals = line.find('=');
    if (line.starts_with('#') || equals == std::string_view::npos) continue;
    const std::string_view key = trimmed(line.substr(0, equals));
    const std::vector<std::string> values = take_strings(trimmed(line.substr(equals + 1)), text);
    if (values.empty()) continue;
    if (table == "engine" && key == "network_cmd_path") conf.network_cmd_path = values.front();
    if (table == "engine" && key == "helper_binaries_dir") conf.helper_binaries_dir = values;
    if (table == "network" && key == "default_rootless_network_cmd") conf.default_rootless_network_cmd = values.front();
  }
}

}  // namespace wg4::doctor
