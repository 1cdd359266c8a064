#pragma once
// Programs that, when they are started, may hand their work over to one of their own that runs already: that one is
// outside of the tunnel, if it was started there. Pure.

#include <span>
#include <string>
#include <string_view>

namespace wg4::desktop {

struct HandoverProgram {
  std::span<const std::string_view> names;      ///< as it is started
  std::span<const std::string_view> processes;  ///< names of what runs then
  std::span<const std::string_view> separates;  ///< options, each of which has it keep to itself
  std::string_view advice;                      ///< how it is started so that it keeps to itself, as a sentence
};

/// The program that the words of a command start; null if it is none of those known here.
[[nodiscard]] const HandoverProgram* hands_over(std::span<const std::string> command);

/// The last part of a path.
[[nodiscard]] std::string_view base_name(std::string_view path);

/// The first of the words that is the program: not env(1), nor its options and variables. Empty if there is none.
[[nodiscard]] std::string_view program_word(std::span<const std::string> command);

}  // namespace wg4::desktop
