#include "wg4netns/profile/profile_name.h"

#include <algorithm>
#include <cstddef>
#include <expected>
#include <string_view>

#include "shared/base/ascii.h"
#include "shared/base/escaped_text.h"

namespace wg4 {
namespace {

constexpr std::string_view ending = ".conf";

std::unexpected<Error> refuse(const std::string& name, const std::string& hint) {
  return fail("'" + printable(name) + "' cannot be the name of a profile", 0, hint);
}

}  // namespace

Result<void> check_profile_name(const std::string& name) {
  if (name.ends_with(ending))
    return refuse(name, "The file profiles/" + printable(name) + " is the profile " +
                            printable(name.substr(0, name.size() - ending.size())) + "; for other files use --config");
  if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos)
    return refuse(name,
                  "The profile NAME is the file profiles/NAME.conf beside default.conf; for other files use --config");
  return {};
}

Result<void> check_new_profile_name(const std::string& name) {
  constexpr std::size_t max_length = 64;
  const auto fits = [](char c) { return is_letter(c) || is_digit(c) || std::string_view("_=+.-").contains(c); };
  if (name.ends_with(ending))
    return refuse(name, "Leave out '.conf': the file will be called profiles/" + printable(name));
  if (name.empty() || name.size() > max_length || name.front() == '.' || name.front() == '-' ||
      !std::ranges::all_of(name, fits))
    return refuse(name, "A name has 1 to 64 letters, digits and characters of _=+.- and begins with none of . and -");
  return {};
}

std::string profile_name_of(const std::string& path, const std::string& file_ending) {
  std::string name = path.substr(path.rfind('/') + 1);
  if (name.ends_with(file_ending)) name.resize(name.size() - file_ending.size());
  return name;
}

}  // namespace wg4
