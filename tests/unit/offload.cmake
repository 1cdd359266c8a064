wg4_unit_test(offload
  SOURCES offload_checksum_test.cc offload_coalesce_test.cc offload_flow_hash_test.cc
          offload_round_trip_test.cc offload_segment_test.cc
  DEPENDS wg4_offload_test_support)
