wg4_unit_test(config
  SOURCES config_foreign_test.cc config_interface_test.cc config_link_plan_test.cc config_scale_test.cc
          config_secrecy_test.cc config_syntax_test.cc config_text_test.cc
  ALONE config_host_test.cc config_peer_test.cc
  DEPENDS wg4_link_plan)

# The parser as a library: nothing else is linked.
wg4_unit_test(config_alone SOURCES config_alone_test.cc DEPENDS wg4_config)

# A program of its own: it replaces operator delete.
wg4_unit_test(config_wipe SOURCES config_wipe_test.cc DEPENDS wg4_config)

add_test(NAME unit.config_example
  COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_SOURCE_DIR}/test_print_config.py $<TARGET_FILE:print_config>)
set_tests_properties(unit.config_example PROPERTIES LABELS unit)
