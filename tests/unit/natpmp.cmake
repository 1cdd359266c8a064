wg4_unit_test(natpmp SOURCES natpmp_test.cc DEPENDS wg4_natpmp)
