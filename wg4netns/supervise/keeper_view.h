#pragma once
// What processes inside see of names, and of the host's services: an /etc and a /run of the keeper's mount
// namespace.

#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "netns-helper/container/name_files.h"
#include "netns-helper/container/own_etc.h"
#include "shared/base/result.h"
#include "shared/net/ip_address.h"
#include "wg4netns/supervise/keeper.h"
#include "wg4netns/supervise/keeper_message.h"

namespace wg4::keeper {

class View {
 public:
  /// All of it, or an error: a command that sees the host's own services could ask them for names.
  [[nodiscard]] static Result<View> make(const Plan& plan, const MakeView& wanted);

  /// Whether the host's /etc is watched from now on, until unwatch().
  [[nodiscard]] bool watch() { return etc_.watch().has_value(); }
  void unwatch() { etc_.unwatch(); }
  /// Readable when follow() is to be called: the host's /etc has changed. -1 if it is not watched.
  [[nodiscard]] int fd() const { return etc_.changes(); }
  /// Takes over what has changed. An entry that could not be taken over is tried again with the next change.
  void follow() { std::ignore = etc_.follow(); }
  /// Names are resolved by these servers from now on, also by processes that have begun before. False if they are
  /// already.
  [[nodiscard]] Result<bool> rename(const std::vector<IpAddress>& servers, const std::vector<std::string>& search);
  /// Paths of the host's services that stay reachable.
  [[nodiscard]] const std::vector<std::string>& open() const { return open_; }

 private:
  View(container::NameSettings names, container::OwnEtc etc, std::vector<std::string> open)
      : names_(std::move(names)), etc_(std::move(etc)), open_(std::move(open)) {}

  container::NameSettings names_;
  container::OwnEtc etc_;
  std::vector<std::string> open_;
};

}  // namespace wg4::keeper
