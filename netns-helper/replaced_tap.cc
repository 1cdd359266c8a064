#include "netns-helper/replaced_tap.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <tuple>

#include "shared/sys/deadline.h"

namespace wg4 {
namespace {

constexpr std::chrono::seconds patience_with_silence{3};
constexpr std::chrono::seconds patience_with_owner{10};
/// For an ip(8) that has looked the TAP up and has not yet said what it wants of it.
constexpr std::chrono::milliseconds patience_with_late_words{300};
constexpr int pause_between_looks_ms = 1;

constexpr std::uint32_t ethernet_mtu = 1500;  // what a TAP has that nobody has set one for

void pause() { poll(nullptr, 0, pause_between_looks_ms); }

bool is_over(Deadline deadline) { return std::chrono::steady_clock::now() >= deadline; }

}  // namespace

Result<void> ReplacedTap::look(Netlink& netlink) {
  auto link = TRY(netlink.link(link_.name));
  if (!link) return fail("the interface " + link_.name + " has gone from the namespace");
  link_ = *std::move(link);
  entries_ = TRY(netlink.entries(link_));
  return {};
}

Result<void> ReplacedTap::await_owner(Netlink& netlink) {
  const Deadline end = deadline_in(patience_with_owner);
  Deadline silence = deadline_in(patience_with_silence);
  while (awaited_) {
    awaited_ = !TRY(netlink.has_default_route(link_));
    if (!awaited_ || is_over(std::min(silence, end))) break;
    pause();
    const auto before = std::tuple(link_.up, link_.mtu, entries_);
    TRY(look(netlink));
    if (std::tie(link_.up, link_.mtu, entries_) != before) silence = deadline_in(patience_with_silence);
  }
  return {};
}

Result<void> ReplacedTap::give_name(Netlink& netlink) {
  const auto tun = TRY(netlink.link(name_of_tun()));
  if (!tun) return fail("the interface " + name_of_tun() + " has gone from the namespace");
  const std::string other_name = "wg4tap" + std::to_string(link_.index);
  auto renamed = netlink.rename_link(link_, other_name);
  if (renamed) {
    link_.name = other_name;
  } else if (renamed.error().number == EBUSY) {  // Linux before 6.2: there is nothing but to look, and be quick
    TRY(look(netlink));
    TRY(remove(netlink));
    TRY(netlink.bring_down(*tun));
  } else {
    return renamed;
  }
  TRY(netlink.rename_link(*tun, name_));
  return removed_ ? Result<void>{} : look(netlink);
}

std::optional<std::uint16_t> ReplacedTap::mtu() const {
  return link_.mtu == ethernet_mtu ? std::nullopt : std::optional(static_cast<std::uint16_t>(link_.mtu));
}

/// As it was when last looked at.
Result<void> ReplacedTap::give(Netlink& netlink, const Link& tun) {
  if (mtu() && tun.mtu != link_.mtu) TRY(netlink.change_link(tun, {.mtu = link_.mtu}));
  if (link_.up) TRY(netlink.bring_up(tun));
  for (const LinkEntry& entry : entries_) TRY(netlink.add_entry(tun, entry));
  return {};
}

Result<void> ReplacedTap::give_rest(Netlink& netlink) {
  const auto tun = TRY(netlink.link(name_));
  if (!tun) return fail("the interface " + name_ + " has gone from the namespace");
  const Deadline end = deadline_in(awaited_ ? patience_with_late_words : std::chrono::milliseconds(0));
  for (;;) {
    if (!removed_) TRY(look(netlink));
    TRY(give(netlink, *tun));
    if (removed_ || is_over(end)) return {};
    pause();
  }
}

Result<void> ReplacedTap::remove(Netlink& netlink) {
  if (removed_) return {};
  removed_ = true;
  return netlink.delete_link(link_);
}

}  // namespace wg4
