wg4_unit_test(gateway
  SOURCES gateway_dns_test.cc gateway_property_test.cc
  ALONE gateway_limits_test.cc
  DEPENDS wg4_gateway wg4_test_support)
