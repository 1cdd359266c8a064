#pragma once
// One client's talk with the program, without its socket: bytes in, bytes out. Requests follow each other, each ends
// with an empty line, each is answered:
//
//   set=1, lines, ""        errno=N, ""           lines are applied as they come
//   get=1, ""               status, errno=0, ""   written as the client reads
//   wg4netns=1, ""          more of this program's own, as "key=value" lines; errno=0, ""
//   wg4netns=follow, lines, ""   errno=N, ""    endpoints that are names, in the place of all that were known
//   wg4netns=capture, ""    errno=N, "", and from then on this is no talk any more, but a capture of the tunnel
//   wg4netns=capture-keys, ""   likewise, with what decrypts it
//   wg4netns=tun, ""        errno=0, "" with a descriptor of the TUN (SCM_RIGHTS), and the end: for a reload
//   wg4netns=link, lines, ""   errno=N, ""      what a reload has made of the interface
//
// The last six are requests of their own because clients know get's keys: wg(8) passes over what it does not know,
// but others need not. Any other request ends the talk.
//
// What a client can make this hold is bounded, whatever it sends and however slowly it reads: a line, some peers of a
// set, and a piece of an answer. So an answer that is longer than a piece (some hundred allowed IPs) is not of one
// moment: a change in between shows in what follows.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "shared/base/secret_text.h"
#include "shared/base/unique_fd.h"
#include "wg4netns/core/control.h"
#include "wg4netns/uapi/codec.h"

namespace wg4::uapi {

/// What is configured and asked.
class Target {
 public:
  virtual ~Target() = default;
  /// May fail in the middle, with what came before applied.
  [[nodiscard]] virtual Errno apply(DeviceChange change) = 0;
  [[nodiscard]] virtual InterfaceStatus interface_status() = 0;
  /// See Device::next_status().
  [[nodiscard]] virtual std::optional<StatusPiece> next_peer(StatusCursor& cursor, std::size_t most) = 0;
  /// The lines of "wg4netns=1".
  virtual void write_own_status(SecretText& out) = 0;
  /// These peers' endpoints are names, and nobody else's.
  [[nodiscard]] virtual Errno follow(std::vector<NamedEndpoint> names) = 0;
  /// The interface has these addresses, this MTU and its routes in this table now.
  [[nodiscard]] virtual Errno follow_link(LinkStatus link) = 0;
  /// Takes over the connection of who has asked for a capture, or for the TUN, and answers it.
  virtual void begin_capture(UniqueFd client, bool with_keys) = 0;
  virtual void give_tun(UniqueFd client) = 0;
};

class Session {
 public:
  static constexpr std::size_t max_line = 64UL * 1024;    // bytes; a longer one is EIO
  static constexpr std::size_t max_read = 16UL * 1024;    // at a time
  static constexpr std::size_t piece_size = 16UL * 1024;  // of answers; some more are made at a time

  explicit Session(Target& target, ScopeOfName scopes = no_scopes) : target_(&target), scopes_(scopes) {}

  /// While this holds, what the client sends may be read.
  [[nodiscard]] bool wants_input() const { return !is_over() && !ended_ && !answering(); }
  /// Where to read it to, at most max_read bytes.
  [[nodiscard]] std::span<char> room() { return input_.room(max_read); }
  void received(std::size_t bytes);
  /// The client sends no more. What it has sent of a set counts.
  void received_end();

  /// What the client is to read next; more of it is made as it is taken. Empty: nothing for now.
  [[nodiscard]] std::string_view output() const { return output_.view(); }
  void sent(std::size_t bytes);
  /// What the connection is to be given to Target for; all was said.
  enum class Handover : std::uint8_t { none, capture, capture_with_keys, tun };
  [[nodiscard]] Handover handover() const {
    return state_ == State::captured && output_.empty() ? handover_ : Handover::none;
  }
  /// Nothing more will be said.
  [[nodiscard]] bool done() const { return (state_ == State::closed || ended_) && output_.empty(); }

 private:
  enum class State : std::uint8_t {
    request,     ///< the first line of one
    get,         ///< the end of one
    own_status,  ///< likewise
    handing,     ///< likewise
    names,       ///< lines of one
    link,        ///< lines of one
    set,         ///< lines of one
    failed,      ///< the rest of one that was answered
    answer,      ///< to a get, under way
    captured,    ///< the talk is over
    closed,      ///< likewise
  };

  [[nodiscard]] bool is_over() const { return state_ == State::captured || state_ == State::closed; }
  [[nodiscard]] bool answering() const { return state_ == State::answer || output_.size() >= piece_size; }
  void advance();
  void take_line(std::string_view line);
  void take_long_line();
  void begin_request(std::string_view line);
  void set_line(std::string_view line);
  void name_line(std::string_view line);
  void link_line(std::string_view line);
  void apply(DeviceChange change);
  void write_piece();
  void finish(Errno number, State next);

  Target* target_;
  ScopeOfName scopes_;
  State state_ = State::request;
  bool ended_ = false;         // the client sends no more, and all that it sent was dealt with
  bool in_long_line_ = false;  // which is being skipped
  Handover handover_ = Handover::none;
  SecretText input_;
  SecretText output_;
  ChangeReader change_;
  NameReader names_;
  LinkReader link_;
  StatusCursor cursor_;  // of the answer
};

}  // namespace wg4::uapi
