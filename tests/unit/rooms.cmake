find_package(Threads REQUIRED)
wg4_unit_test(dataplane SOURCES dataplane_read_order_test.cc DEPENDS Threads::Threads)
wg4_unit_test(dataplane_tunnel
  SOURCES dataplane_tunnel_test.cc
  DEPENDS wg4_edge_test_support wg4_test_support)
wg4_unit_test(uapi_control_client SOURCES uapi_control_client_test.cc DEPENDS wg4_uapi)
wg4_unit_test(diagnosis SOURCES diagnosis_finding_test.cc diagnosis_log_budget_test.cc DEPENDS wg4_diagnosis)
wg4_unit_test(diagnosis_peer_watch SOURCES diagnosis_peer_watch_test.cc DEPENDS wg4_peer_watch)
wg4_unit_test(daemon
  ALONE daemon_command_names_test.cc daemon_control_test.cc
        daemon_endpoints_test.cc daemon_prepare_test.cc daemon_sources_test.cc
  DEPENDS wg4_daemon)
wg4_unit_test(profile_judgement SOURCES profile_judgement_test.cc DEPENDS wg4_profile)
wg4_unit_test(profile_folder SOURCES profile_folder_test.cc DEPENDS wg4_profile)
wg4_unit_test(profile_qr SOURCES profile_qr_test.cc DEPENDS wg4_commands)
wg4_unit_test(commands_line
  SOURCES commands_options_test.cc commands_table_test.cc commands_tunnels_test.cc
  DEPENDS wg4_commands wg4_doctor wg4_engines wg4_verify)
wg4_unit_test(commands_show SOURCES commands_show_test.cc DEPENDS wg4_commands)
wg4_unit_test(engines_plugin_messages SOURCES engines_plugin_messages_test.cc DEPENDS wg4_netavark_json)
wg4_unit_test(engines_oci_state SOURCES engines_oci_state_test.cc DEPENDS wg4_oci_state)
wg4_unit_test(desktop_entry SOURCES desktop_entry_test.cc DEPENDS wg4_desktop)
wg4_unit_test(doctor SOURCES doctor_echo_test.cc doctor_host_test.cc doctor_peer_test.cc DEPENDS wg4_doctor_checks)
wg4_unit_test(verify SOURCES verify_checks_test.cc DEPENDS wg4_verify_checks)
wg4_unit_test(supervise_registry SOURCES supervise_registry_test.cc DEPENDS wg4_registry)
wg4_unit_test(supervise_tunnel_folder SOURCES supervise_tunnel_folder_test.cc DEPENDS wg4_keeper)
wg4_unit_test(supervise_unsent_data SOURCES supervise_unsent_data_test.cc DEPENDS wg4_keeper)
wg4_unit_test(supervise_instance SOURCES supervise_instance_test.cc DEPENDS wg4_supervise)
