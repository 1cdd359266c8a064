// Memory that the parser frees holds no key, neither as text nor as bytes. This program's operator delete checks that.

#include <malloc.h>

#include <array>
#include <cstdlib>
#include <new>
#include <string>
#include <string_view>

#include "shared/config/wg_config.h"
#include "shared/config/wg_text.h"
#include "tests/unit/config_support.h"

using namespace wg4;
using namespace wg4::config_test;

namespace {

// The decoded keys of config_support.h, and the beginnings of their text.
constexpr auto telltales = std::to_array<std::string_view>(
    {"privatekeyprivatekey", "presharedkeypreshared", "cHJpdmF0ZWtleXBy", "cHJlc2hhcmVka2V5"});

struct Watch {
  bool on = false;
  unsigned freed = 0;
  unsigned leaks = 0;
};

constinit Watch watch;

void look_and_free(void* memory) noexcept {
  if (memory != nullptr && watch.on) {
    ++watch.freed;
    const std::string_view content(static_cast<const char*>(memory), malloc_usable_size(memory));
    for (const auto telltale : telltales) watch.leaks += has(content, telltale) ? 1U : 0U;
  }
  std::free(memory);
}

std::string with_spaces(const std::string& key) { return key.substr(0, 30) + " " + key.substr(30); }

template <class Work>
Watch watched(Work work) {
  watch = {.on = true};
  work();
  watch.on = false;
  return watch;
}

}  // namespace

void* operator new(std::size_t size) {
  // Zeroed, so that the contents of an earlier owner are not blamed on the parser.
  if (void* memory = std::calloc(size, 1)) return memory;
  std::abort();
}
void operator delete(void* memory) noexcept { look_and_free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { look_and_free(memory); }

TEST_CASE("the watch sees a key that is freed") {
  const Watch seen = watched([] { CHECK_FALSE(("key: " + private_key).empty()); });
  CHECK_EQ(seen.freed, 1);
  CHECK_EQ(seen.leaks, 1);
}

TEST_CASE("no copy of a key outlives the config, nor does the key itself") {
  const std::string keys = "PrivateKey = " + with_spaces(private_key) + "\n";
  std::string text = interface_with(keys + keys);
  for (const std::string& key : {key_a, key_b, key_a}) {
    text += "[Peer]\nPublicKey=" + key + "\nPresharedKey = " + with_spaces(preshared_key) + "\nAllowedIPs = 10.0.0.1\n";
  }
  const Watch seen = watched([&] { CHECK_EQ(WgConfig::parse(text)->peers.size(), 2); });
  CHECK_GT(seen.freed, 0);
  CHECK_EQ(seen.leaks, 0);
}

TEST_CASE("a refused file leaves no key behind either") {
  const std::string good = interface_with("PrivateKey = " + with_spaces(private_key)) +
                           peer_with("PresharedKey = " + with_spaces(preshared_key));
  for (const std::string& text :
       {good + "Foo = 1\n", good + "[Peer]\n", interface_with("PrivateKey = x " + private_key),
        good + "PresharedKey = x" + with_spaces(preshared_key)}) {
    const Watch seen = watched([&] { CHECK_FALSE(WgConfig::parse(text)); });
    CHECK_GT(seen.freed, 0);
    CHECK_EQ(seen.leaks, 0);
  }
}

TEST_CASE("text that is written again leaves no key behind") {
  std::string text = interface_with("PrivateKey = " + private_key);
  // Longer than the first memory that it gets, so that it has to move.
  for (int i = 0; i < 100; ++i)
    text += "[Peer]\nPublicKey = " + key_a.substr(0, 38) + std::to_string(1000 + i) + "E=\n" +
            "PresharedKey = " + preshared_key + "\n";
  const WgConfig config = accepted(text);
  const Watch seen = watched([&] { CHECK_GT(to_wg_quick(config, Keys::shown).size(), text.size()); });
  CHECK_GT(seen.freed, 0);
  CHECK_EQ(seen.leaks, 0);
}
