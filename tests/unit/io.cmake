wg4_unit_test(io SOURCES io_udp_socket_test.cc DEPENDS wg4_io)
