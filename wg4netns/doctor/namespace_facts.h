#pragma once
// The findings of a child process of doctor, which makes a user namespace, a network namespace and a TUN there; they
// end with it. It sends its findings as a message (shared/wire/wire.h).

#include "shared/wire/kind.h"

namespace wg4::doctor {

struct NamespaceFacts {
  static constexpr wire::Kind message_kind = wire::Kind::namespace_facts;
  int namespaces_error = 0;  ///< errno; 0 = they can be made
  // about the TUN; only if there are namespaces and the device
  bool tun_tried = false;
  int tun_error = 0;  ///< errno of TUNSETIFF
  bool tun_header = false;
  bool tun_checksum = false;
  bool tun_tso = false;
  bool tun_uso = false;

  static constexpr void fields(auto& self, auto& visit) {
    visit.error_number(self.namespaces_error);
    visit(self.tun_tried);
    visit.error_number(self.tun_error);
    visit(self.tun_header);
    visit(self.tun_checksum);
    visit(self.tun_tso);
    visit(self.tun_uso);
  }
};

}  // namespace wg4::doctor
