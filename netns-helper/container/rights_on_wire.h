#pragma once
// What a container's command may do, for messages (shared/wire/wire.h). Pure.

#include <cstddef>

#include "netns-helper/container/container.h"
#include "netns-helper/container/operations_on_wire.h"

namespace wg4::container {

inline constexpr std::size_t max_filters = 16;
inline constexpr std::size_t max_instructions = 4096;  // of one filter, as the kernel has it
inline constexpr std::size_t max_landlock_rules = 4096;

/// Of std::vector<FilterProgram>.
constexpr void fields_of_filters(auto& filters, auto& visit) {
  visit.each(filters, max_filters, [&](auto& filter) {
    visit.each(filter, max_instructions, [&](auto& instruction) {
      visit(instruction.code);
      visit(instruction.jt);
      visit(instruction.jf);
      visit(instruction.k);
    });
  });
}

/// Of LandlockSettings.
constexpr void fields_of_landlock(auto& settings, auto& visit) {
  visit.choice(settings.mode, LandlockSettings::Mode::off);
  visit(settings.files);
  visit.texts(settings.readable, max_landlock_rules, max_path_size);
  visit.texts(settings.writable, max_landlock_rules, max_path_size);
  visit(settings.path_sockets);
  visit(settings.tcp);
  visit(settings.udp);
  visit.list(settings.ports_to_bind, max_landlock_rules);
  visit.list(settings.ports_to_connect, max_landlock_rules);
}

}  // namespace wg4::container
