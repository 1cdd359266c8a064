#pragma once

#include <string>
#include <string_view>

namespace wg4 {

/// A string of JSON, with its quotation marks. A byte that is not UTF-8 becomes half of a surrogate pair, as in file
/// names of Python (PEP 383): a program that reads it so gets the path back.
[[nodiscard]] std::string json_string(std::string_view text);

}  // namespace wg4
