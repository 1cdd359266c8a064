wg4_unit_test(forward_rules
  SOURCES forward_api_codec_test.cc forward_flow_table_test.cc forward_pasta_ports_test.cc forward_port_table_test.cc
          forward_publish_spec_test.cc forward_tables_test.cc forward_ways_test.cc
  DEPENDS wg4_forward_rules)

wg4_unit_test(forward SOURCES forward_loop_test.cc forward_stream_test.cc DEPENDS wg4_forward)
