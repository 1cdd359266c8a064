wg4_unit_test(handoff SOURCES handoff_test.cc DEPENDS wg4_handoff)
