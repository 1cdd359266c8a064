wg4_unit_test(capture SOURCES capture_test.cc DEPENDS wg4_capture)
