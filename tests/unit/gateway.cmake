wg4_unit_test(gateway
  SOURCES gateway_dns_test.cc gateway_limits_test.cc gateway_property_test.cc
  DEPENDS wg4_gateway wg4_test_support)
