#pragma once
// A failed CHECK is a bug in this program, never bad input; checks are always on.

#include <cstdio>
#include <cstdlib>

namespace wg4 {

[[noreturn]] inline void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: bug: CHECK(%s) does not hold; please report this\n", file, line, condition);
  std::abort();
}

}  // namespace wg4

#define CHECK(condition) ((condition) ? void(0) : ::wg4::check_failed(#condition, __FILE__, __LINE__))
