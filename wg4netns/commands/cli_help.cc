#include "wg4netns/commands/cli_help.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wg4 {
namespace {

/// Joins `words` by `gap`, in lines of at most `width` columns; all lines but the first are indented by `indent`.
std::string wrapped(const std::vector<std::string>& words, std::string_view gap, std::size_t width,
                    std::size_t indent) {
  std::string text;
  std::size_t column = 0;
  for (const std::string& word : words) {
    if (column > 0 && column + gap.size() + word.size() > width) {
      text += "\n" + std::string(indent, ' ');
      column = 0;
    }
    if (column > 0) text += gap;
    text += word;
    column += (column > 0 ? gap.size() : 0) + word.size();
  }
  return text;
}

std::string_view short_heading(std::string_view group) { return group.substr(0, group.find(',')); }

class Layout final : public CLI::Formatter {
 public:
  Layout() { column_width(description_column); }

  [[nodiscard]] std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override {
    if (mode != CLI::AppFormatMode::Normal || app->get_help_all_ptr() == nullptr)
      return Formatter::make_help(app, std::move(name), mode);
    std::string text = make_description(app);
    if (!text.ends_with("\n\n")) text += "\n";
    return text + make_usage(app, std::move(name)) + "\nOptions; --help-all says what each is for:\n" + list_names(app);
  }

  [[nodiscard]] std::string make_option_desc(const CLI::Option* option) const override {
    // The base class indents each line.
    return wrapped(CLI::detail::split(option->get_description(), ' '), " ", help_width - description_column, 0);
  }

 private:
  static constexpr std::size_t description_column = 30;

  static std::string list_names(const CLI::App* app) {
    const auto groups = app->get_groups();
    std::size_t widest = 0;
    for (const std::string& group : groups) widest = std::max(widest, short_heading(group).size());
    const std::size_t indent = 2 + widest + 2;
    std::string text;
    for (const std::string& group : groups) {
      const auto names = names_in(app, group);
      if (names.empty()) continue;
      text += fmt::format("  {:<{}}  {}\n", short_heading(group), widest,
                          wrapped(names, "  ", help_width - indent, indent));
    }
    return text;
  }

  /// "-m,--mtu BYTES"
  static std::vector<std::string> names_in(const CLI::App* app, const std::string& group) {
    std::vector<std::string> names;
    for (const CLI::Option* option : app->get_options()) {
      if (option->get_group() != group || !option->nonpositional()) continue;
      const std::string value = option->get_type_name();
      names.push_back(option->get_name(false, true) + (value.empty() ? "" : " " + value));
    }
    return names;
  }
};

}  // namespace

void lay_out_help(CLI::App& app) { app.formatter(std::make_shared<Layout>()); }

}  // namespace wg4
