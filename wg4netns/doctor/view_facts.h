#pragma once
// What a child of doctor's found out that gave itself an /etc and a /run of its own, as a command in a tunnel has them,
// and took them along at its end. It says so in a message (shared/wire/wire.h).

#include "shared/base/result.h"
#include "shared/wire/kind.h"

namespace wg4::doctor {

struct ViewFacts {
  static constexpr wire::Kind message_kind = wire::Kind::view_facts;
  bool tried = false;
  Error refused{};  ///< `what` is empty if all went well

  static constexpr void fields(auto& self, auto& visit) {
    visit(self.tried);
    visit.sentence(self.refused.what);
    visit.error_number(self.refused.number);
    visit.sentence(self.refused.hint);
  }
};

}  // namespace wg4::doctor
