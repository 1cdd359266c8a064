find_package(Threads REQUIRED)
wg4_unit_test(app SOURCES app_read_order_test.cc DEPENDS Threads::Threads)
wg4_unit_test(plugin_messages SOURCES plugin_messages_test.cc DEPENDS wg4_plugin_messages)
wg4_unit_test(oci_state SOURCES oci_state_test.cc DEPENDS wg4_oci_state)
