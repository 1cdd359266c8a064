#pragma once

#include <string>
#include <string_view>

namespace wg4 {

/// A string of JSON, with its quotation marks. A byte that is no UTF-8 becomes half of a surrogate pair, as Python's
/// file names have it (PEP 383): what reads it gets the path back.
[[nodiscard]] std::string json_string(std::string_view text);

}  // namespace wg4
