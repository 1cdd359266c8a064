#pragma once
// The number of each message, so that one that reaches the wrong reader is none that it knows.

#include <cstdint>

namespace wg4::wire {

/// A number is never used again for something else. A new message is also added to tests/support/wire_messages.h.
enum class Kind : std::uint8_t {
  // the two programs: shared/handoff/handoff.h
  begin = 1,
  tun_ready = 2,
  plan_part = 3,
  plan = 4,
  done = 5,
  failure = 6,
  dial = 7,
  dialed = 8,
  listening = 9,
  // the tunnel and the processes beside it: wg4netns/daemon/messages.h, wg4netns/forward/start_message.h
  name_question = 16,
  name_answer = 17,
  tunnel_to_reload = 18,
  reload_order = 19,
  reload_ended = 20,
  files_to_remove = 21,
  publish_ports = 22,
  // the broker and those who ask it: wg4netns/supervise/broker_message.h
  tunnel_request = 32,
  tunnel_reply = 33,
  // doctor and the processes that try things for it: wg4netns/doctor/namespace_facts.h, wg4netns/doctor/view_facts.h
  namespace_facts = 48,
  view_facts = 49,
  // the keeper of a tunnel that commands run in: wg4netns/supervise/keeper_message.h
  keeper_user_namespace = 64,
  keeper_ids = 65,
  keeper_namespaces = 66,
  keeper_view = 67,
  keeper_view_made = 68,
  keeper_serve = 69,
  keeper_failure = 70,
  keeper_join = 71,
  keeper_joined = 72,
  keeper_process_inside = 73,
  keeper_done = 74,
  keeper_order = 75,
  keeper_settled = 76,
  keeper_state = 77,
  keeper_names = 78,
  keeper_forwarded_port = 79,
  // the tunnel and the command that started it: wg4netns/daemon/messages.h
  tunnel_names = 96,
  // verify and the process that looks from inside for it: wg4netns/verify/inside_facts.h
  verify_interface = 112,
  verify_route = 113,
  verify_name_file = 114,
  verify_attempt = 115,
  verify_server = 116,
  verify_unseen = 117,
  verify_rights = 118,
  // a container and its init: netns-helper/container/setup.h
  container_set_up = 128,
  container_failure = 129,
  container_started = 130,
  container_ended = 131,
  container_rules = 132,
};

}  // namespace wg4::wire
