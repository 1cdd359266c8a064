wg4_unit_test(sys
  SOURCES sys_background_test.cc sys_fd_pass_test.cc sys_namespaces_test.cc sys_unix_socket_test.cc sys_wake_up_test.cc
  ALONE sys_foreground_test.cc sys_named_file_test.cc sys_process_identity_test.cc sys_process_test.cc
        sys_sub_ids_test.cc
  DEPENDS wg4_sys)

wg4_unit_test(helper_process SOURCES helper_process_test.cc DEPENDS wg4_daemon)

# These change links, routes and mounts: they run in namespaces of their own, where anybody may.
add_executable(unit_sys_unshared sys_netlink_test.cc sys_noexec_test.cc)
target_link_libraries(unit_sys_unshared PRIVATE wg4_doctest_main wg4_sys)
add_test(NAME unit.sys_unshared
  COMMAND unshare --user --map-root-user --net --mount
          ${CMAKE_CROSSCOMPILING_EMULATOR} $<TARGET_FILE:unit_sys_unshared>)
set_tests_properties(unit.sys_unshared PROPERTIES LABELS unit)

wg4_unit_test(sandbox SOURCES sandbox_files_test.cc DEPENDS wg4_sys)

# A sanitizer's own system calls are in no table: builds with one have no filter, and this test has no meaning there.
if(NOT WG4_SANITIZE)
  wg4_unit_test(sandbox_syscalls
    SOURCES sandbox_syscalls_test.cc ${PROJECT_SOURCE_DIR}/netns-helper/syscall_tables.cc
    DEPENDS wg4_daemon)
endif()

# Those tables on machines that have other calls, under other numbers.
wg4_unit_test(syscall_tables
  SOURCES syscall_tables_test.cc ${PROJECT_SOURCE_DIR}/netns-helper/syscall_tables.cc
  DEPENDS wg4_daemon)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|aarch64)$")
  add_test(NAME unit.syscall_numbers
    COMMAND /usr/bin/python3 -B ${PROJECT_SOURCE_DIR}/tests/platforms/syscall_numbers.py
            ${CMAKE_CXX_COMPILER} ${CMAKE_SYSTEM_PROCESSOR})
  add_test(NAME unit.syscall_numbers_self_test
    COMMAND /usr/bin/python3 -B ${PROJECT_SOURCE_DIR}/tests/platforms/syscall_numbers.py --self-test)
  set_tests_properties(unit.syscall_numbers unit.syscall_numbers_self_test PROPERTIES LABELS unit)
endif()
