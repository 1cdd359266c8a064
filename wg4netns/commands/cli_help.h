#pragma once
// The text of --help, for parser.cc alone; it fits a screen. Commands that run a tunnel have more options than a screen
// can explain: for these --help lists the names, which engines look for, and --help-all explains each.

namespace CLI {
class App;
}

namespace wg4 {

inline constexpr unsigned help_width = 100;  // columns

/// The name of an option's group is its heading; above a list of names it is cut at its first comma.
void lay_out_help(CLI::App& app);

}  // namespace wg4
