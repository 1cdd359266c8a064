#pragma once
// Programs that, when they are started a second time, hand their work to the process that runs already. If that one is
// outside of the tunnel, so is the work. Pure.

#include <span>
#include <string>
#include <string_view>

namespace wg4::desktop {

struct HandoverProgram {
  std::span<const std::string_view> names;      ///< as it is started
  std::span<const std::string_view> processes;  ///< names of the process that runs already
  std::span<const std::string_view> separates;  ///< options, each of which makes it work by itself
  std::string_view advice;                      ///< a sentence: how to start it so that it works by itself
};

/// The program that the words of a command start; null if it is none of those known here.
[[nodiscard]] const HandoverProgram* hands_over(std::span<const std::string> command);

/// The last part of a path.
[[nodiscard]] std::string_view base_name(std::string_view path);

/// The first of the words that is the program: not env(1), nor its options and variables. Empty if there is none.
[[nodiscard]] std::string_view program_word(std::span<const std::string> command);

}  // namespace wg4::desktop
