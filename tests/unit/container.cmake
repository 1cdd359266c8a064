wg4_unit_test(container
  ALONE container_confine_test.cc container_id_mapping_test.cc container_id_plan_test.cc
        container_setuid_copies_test.cc
  DEPENDS wg4_container)
wg4_unit_test(container_names SOURCES container_name_files_test.cc DEPENDS wg4_name_files)
wg4_unit_test(container_mounts
  SOURCES container_own_copy_test.cc container_own_etc_test.cc container_own_run_test.cc
  DEPENDS wg4_container PkgConfig::SECCOMP)
wg4_unit_test(container_root
  SOURCES container_new_root_test.cc container_op_bind_test.cc container_op_chmod_test.cc container_op_dev_test.cc
          container_op_etc_test.cc container_op_link_test.cc container_op_mkdir_test.cc container_op_mqueue_test.cc
          container_op_overlay_test.cc container_op_place_test.cc container_op_proc_test.cc
          container_op_read_only_test.cc container_op_remount_test.cc container_op_root_test.cc
          container_op_sysfs_test.cc container_op_targets_test.cc container_op_tmpfs_test.cc
  DEPENDS wg4_container PkgConfig::SECCOMP)
wg4_unit_test(filter
  ALONE filter_calls_test.cc filter_choice_test.cc filter_digest_test.cc filter_oci_test.cc filter_presets_test.cc
  DEPENDS wg4_filter OpenSSL::Crypto PkgConfig::SECCOMP)
wg4_unit_test(container_words SOURCES container_words_test.cc DEPENDS wg4_container_words)

# The library alone: what a program of somebody else's links.
wg4_unit_test(container_process
  SOURCES container_end_test.cc container_limits_test.cc container_process_test.cc
  DEPENDS wg4_container_process)
add_dependencies(unit_container_process wg4netns-container)

add_test(NAME unit.container_by_hand
  COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_SOURCE_DIR}/test_container_by_hand.py $<TARGET_FILE:wg4netns-container>)
add_test(NAME unit.container_example
  COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_SOURCE_DIR}/test_run_contained.py $<TARGET_FILE:run_contained>)
set_tests_properties(unit.container_by_hand unit.container_example PROPERTIES LABELS unit)
