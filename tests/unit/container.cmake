wg4_unit_test(container
  ALONE container_confine_test.cc container_id_mapping_test.cc container_id_plan_test.cc
        container_setuid_copies_test.cc
  DEPENDS wg4_container)
