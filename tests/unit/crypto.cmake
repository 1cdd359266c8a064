set(sources crypto_aead_test.cc crypto_choice_test.cc crypto_forget_test.cc crypto_siphash_test.cc
            crypto_stack_test.cc crypto_subjects.cc)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  list(APPEND sources crypto_poly_test.cc crypto_probe_avx2.cc crypto_probe_avx512.cc)
  set_source_files_properties(crypto_probe_avx2.cc PROPERTIES COMPILE_OPTIONS "${WG4_AVX2_OPTIONS}")
  set_source_files_properties(crypto_probe_avx512.cc PROPERTIES COMPILE_OPTIONS "${WG4_AVX512_OPTIONS}")
endif()
wg4_unit_test(crypto SOURCES ${sources} ALONE crypto_batch_test.cc DEPENDS wg4_crypto)
