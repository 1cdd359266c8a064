wg4_unit_test(base
  SOURCES base_bytes_test.cc base_escaped_text_test.cc base_hex_base64_test.cc base_near_word_test.cc
          base_result_test.cc base_scope_exit_test.cc
          base_secret_test.cc base_unique_fd_test.cc
  ALONE base_check_test.cc
  DEPENDS wg4_base)

wg4_unit_test(net
  SOURCES net_endpoint_test.cc net_ip_address_test.cc net_prefix_test.cc
  DEPENDS wg4_net)
