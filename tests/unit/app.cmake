find_package(Threads REQUIRED)
wg4_unit_test(app SOURCES app_read_order_test.cc DEPENDS Threads::Threads)
