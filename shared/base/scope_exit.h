#pragma once

#include <utility>

namespace wg4 {

/// Runs a clean-up when the scope ends: `ScopeExit close_it([&] { ... });`
template <class F>
class ScopeExit {
 public:
  explicit ScopeExit(F action) : action_(std::move(action)) {}
  ScopeExit(const ScopeExit&) = delete;
  ScopeExit& operator=(const ScopeExit&) = delete;
  ~ScopeExit() { action_(); }

 private:
  F action_;
};

}  // namespace wg4
