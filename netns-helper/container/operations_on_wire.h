#pragma once
// The operations (operations/operation.h) as fields of a message (shared/wire/wire.h).

#include <concepts>
#include <cstddef>
#include <type_traits>

#include "netns-helper/container/operations/operation.h"

namespace wg4::container {

inline constexpr std::size_t max_path_size = 4096;                             // PATH_MAX
inline constexpr std::size_t max_placed_size = std::size_t{64} * 1024 * 1024;  // bytes of a file
inline constexpr std::size_t max_layers = 500;                                 // of an overlay, as the kernel has it
inline constexpr std::size_t max_entries = 10'000;                             // of /etc that are left out
inline constexpr int max_descriptor = 1 << 20;

template <class T, class U>
concept MaybeConst = std::same_as<std::remove_const_t<T>, U>;

constexpr void fields_of(MaybeConst<Bind> auto& self, auto& visit) {
  visit.text(self.source, max_path_size);
  visit.text(self.target, max_path_size);
  visit.ranged(self.descriptor, -1, max_descriptor);
  visit(self.writable);
  visit(self.device);
  visit(self.optional);
  visit(self.ensure);
}

constexpr void fields_of(MaybeConst<Dev> auto& self, auto& visit) {
  visit.text(self.target, max_path_size);
  visit(self.writable);
  visit(self.console);
  visit(self.mqueue);
}

constexpr void fields_of(MaybeConst<Proc> auto& self, auto& visit) { visit.text(self.target, max_path_size); }
constexpr void fields_of(MaybeConst<Sysfs> auto& self, auto& visit) { visit.text(self.target, max_path_size); }
constexpr void fields_of(MaybeConst<Mqueue> auto& self, auto& visit) { visit.text(self.target, max_path_size); }

constexpr void fields_of(MaybeConst<Tmpfs> auto& self, auto& visit) {
  visit.text(self.target, max_path_size);
  visit(self.size);
  visit(self.mode);
}

constexpr void fields_of(MaybeConst<ReadOnly> auto& self, auto& visit) {
  visit.text(self.target, max_path_size);
  visit(self.mode);
}

constexpr void fields_of(MaybeConst<Mkdir> auto& self, auto& visit) {
  visit.text(self.target, max_path_size);
  visit(self.mode);
}

constexpr void fields_of(MaybeConst<Overlay> auto& self, auto& visit) {
  visit.text(self.target, max_path_size);
  visit.texts(self.lower, max_layers, max_path_size);
  visit.choice(self.writes, Overlay::Writes::refused);
  visit.text(self.upper, max_path_size);
  visit.text(self.work, max_path_size);
}

constexpr void fields_of(MaybeConst<Place> auto& self, auto& visit) {
  visit.text(self.target, max_path_size);
  visit.bytes(self.bytes, max_placed_size);
  visit(self.mode);
  visit.choice(self.as, Place::As::file);
}

constexpr void fields_of(MaybeConst<Link> auto& self, auto& visit) {
  visit.text(self.target, max_path_size);
  visit.text(self.text, max_path_size);
  visit(self.dereference);
}

constexpr void fields_of(MaybeConst<Chmod> auto& self, auto& visit) {
  visit.text(self.target, max_path_size);
  visit(self.mode);
}

constexpr void fields_of(MaybeConst<Remount> auto& self, auto& visit) {
  visit.text(self.target, max_path_size);
  visit(self.read_only);
  visit(self.no_device);
  visit(self.no_exec);
  visit(self.recursive);
}

constexpr void fields_of(MaybeConst<Etc> auto& self, auto& visit) {
  visit.text(self.source, max_path_size);
  visit.texts(self.without, max_entries, max_path_size);
}

constexpr void fields_of(MaybeConst<Root> auto& self, auto& visit) {
  visit.text(self.source, max_path_size);
  visit(self.writable);
  visit(self.device);
}

}  // namespace wg4::container
