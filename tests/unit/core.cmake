wg4_unit_test(core_containers
  SOURCES core_cookie_test.cc core_data_batch_test.cc core_index_table_test.cc core_replay_window_test.cc
          core_timer_queue_test.cc
  ALONE core_rate_limiter_test.cc
  DEPENDS wg4_core)

wg4_unit_test(core_protocol
  SOURCES core_inner_packet_test.cc core_keypair_test.cc core_noise_test.cc
  ALONE core_timers_test.cc
  DEPENDS wg4_test_support)
