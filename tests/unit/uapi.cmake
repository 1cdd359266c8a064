wg4_unit_test(uapi_codec SOURCES uapi_codec_test.cc
  ALONE uapi_connection_test.cc
  DEPENDS wg4_uapi_codec)
wg4_unit_test(uapi_server SOURCES uapi_server_test.cc DEPENDS wg4_uapi)
