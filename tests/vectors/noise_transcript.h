#pragma once
// Made by generate_noise.py; not edited by hand.

#include <string_view>

// clang-format off
namespace wg4::vectors {

// Static keys pattern(32, 10) and pattern(32, 50), ephemeral keys pattern(32, 90) and pattern(32, 130),
// of initiator and responder; indices 0x11223344 and 0x55667788; 2024-01-01 00:00:00.5 UTC.
struct TranscriptVector {
  bool has_psk;  // pattern(32, 170)
  std::string_view initiation;
  std::string_view response;
  std::string_view initiator_send_key;
  std::string_view initiator_receive_key;
};

inline constexpr TranscriptVector transcript_vectors[] = {
    {false,
     "010000004433221115d7b75064fdd1ca3b6887d75b37d6afc1fd2573ed9ddfef38d67dc3cdcaf91b2a3f6dbfccec5bf92521a5d6a72c5c7fb14f7856c92e59eecc630cf53c915e8baab5bf7a5d19a0f287820b57a13a2f52b3a71e8f16837ca9baf4fc60a1ad2f6a2511f1d2c1dea7c2a8ec512858781975ac5ba103957432af4889461e00000000000000000000000000000000",
     "020000008877665544332211b16e7150a191f75488a3e9a9b4b3f8e334f096b87d7bea974c8f6afd0d26254ca1a97e06dc3328cefb87c6c5a2e25d758e70b6c8ed9c424c3c4d86d7cf3b418200000000000000000000000000000000",
     "c52624a46068ced900ea146b354da25a6c83c0050ca6f1f4147c8af76d460527",
     "443b494e319d335997735873ee96f82cd92f9f90595485d42fb49749b0aa71d4"},
    {true,
     "010000004433221115d7b75064fdd1ca3b6887d75b37d6afc1fd2573ed9ddfef38d67dc3cdcaf91b2a3f6dbfccec5bf92521a5d6a72c5c7fb14f7856c92e59eecc630cf53c915e8baab5bf7a5d19a0f287820b57a13a2f52b3a71e8f16837ca9baf4fc60a1ad2f6a2511f1d2c1dea7c2a8ec512858781975ac5ba103957432af4889461e00000000000000000000000000000000",
     "020000008877665544332211b16e7150a191f75488a3e9a9b4b3f8e334f096b87d7bea974c8f6afd0d26254c832d8ebb6f7f52d27d10cff72693a9d1a1b59cd2b57cd011d5cf269cebd6a33500000000000000000000000000000000",
     "4807a538391feb79051da9a8eb2fe22b7248cf8b67c376a32606e94becf60e22",
     "8058a371796d06e19c9c5fbbe04ca78c2319376ec9758e01b0166f47aa110c84"},
};

}  // namespace wg4::vectors
// clang-format on
