wg4_unit_test(metrics
  SOURCES metrics_exposition_test.cc metrics_request_test.cc metrics_server_test.cc metrics_tunnel_test.cc
  DEPENDS wg4_metrics)
