wg4_unit_test(handoff SOURCES handoff_test.cc DEPENDS wg4_handoff)

wg4_unit_test(shared_wire SOURCES shared_wire_test.cc DEPENDS wg4_broker_message wg4_handoff)
