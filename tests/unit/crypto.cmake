wg4_unit_test(crypto
  SOURCES crypto_aead_test.cc crypto_forget_test.cc crypto_siphash_test.cc
  DEPENDS wg4_core)
