#pragma once
// What a process inside a tunnel tries, to find out whether anything leads out. It runs after confine_in_tunnel(): with
// the rights of a command, and no others.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/wire/message_socket.h"
#include "wg4netns/verify/inside_facts.h"
#include "wg4netns/verify/look_inside.h"

namespace wg4::verify {

class Trials {
 public:
  /// Tells what it finds over `socket`.
  Trials(int socket, const Targets& targets) : socket_(socket), targets_(targets) {}
  /// All of them.
  void run(bool signals_scoped);

 private:
  template <class M>
  void tell(const M& message) {
    [[maybe_unused]] const auto sent = wire::send(socket_, message);
  }
  void tell(const Error& error) { tell(Unseen{error.what, error.number}); }
  void look_at_network();
  void look_at_name_files();
  void try_services();
  void try_sockets_below(const std::string& folder);
  void try_socket(Attempt::Kind kind, const std::string& path);
  void look_for_other_sockets();
  void try_keys();
  void try_processes();
  void try_host();
  void ask_servers();

  int socket_;
  const Targets& targets_;
  std::vector<std::string> tried_;
  std::vector<std::string> own_sockets_;  // paths
  std::uint32_t own_abstract_ = 0;
  std::string resolv_conf_;
};

}  // namespace wg4::verify
