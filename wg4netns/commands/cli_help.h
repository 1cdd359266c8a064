#pragma once
// What --help prints, for parser.cc alone: it fits a screen. Commands that run a tunnel have more options than that;
// for these it lists the names, which engines look for, and --help-all says what each is for.

namespace CLI {
class App;
}

namespace wg4 {

inline constexpr unsigned help_width = 100;  // columns

/// An option's group is its heading; in a list of names that is cut at its first comma.
void lay_out_help(CLI::App& app);

}  // namespace wg4
