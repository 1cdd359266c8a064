#include "shared/base/secret.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "shared/base/keys.h"

using namespace wg4;

namespace {

std::array<std::uint8_t, 32> pattern() {
  std::array<std::uint8_t, 32> bytes{};
  bytes.fill(0xa5);
  return bytes;
}

Secret<32> secret() { return Secret<32>(pattern()); }

}  // namespace

TEST_CASE("a new secret is zero, which means none") {
  CHECK(PrivateKey{}.is_zero());
  CHECK_FALSE(secret().is_zero());
  CHECK_EQ(PrivateKey::size(), key_size);
}

TEST_CASE("a secret cannot be copied by accident") {
  CHECK_FALSE(std::is_copy_constructible_v<PrivateKey>);
  CHECK_FALSE(std::is_copy_assignable_v<PrivateKey>);
  CHECK(std::is_nothrow_move_constructible_v<PrivateKey>);
}

TEST_CASE("a move leaves nothing behind") {
  Secret<32> from = secret();
  Secret<32> constructed(std::move(from));
  CHECK(from.is_zero());  // NOLINT(bugprone-use-after-move,clang-analyzer-cplusplus.Move): that is the promise
  CHECK(constructed.equals(secret()));

  Secret<32> assigned;
  assigned = std::move(constructed);
  CHECK(constructed.is_zero());  // NOLINT(bugprone-use-after-move,clang-analyzer-cplusplus.Move)
  CHECK(assigned.equals(secret()));

  Secret<32>& itself = assigned;
  assigned = std::move(itself);
  CHECK(assigned.equals(secret()));
}

TEST_CASE("a clone is an explicit copy") {
  const Secret<32> original = secret();
  Secret<32> copy = original.clone();
  CHECK(copy.equals(original));
  copy.data()[0] ^= 1;
  CHECK_FALSE(copy.equals(original));
  CHECK(original.equals(secret()));
}

TEST_CASE("every byte counts in a comparison") {
  for (std::size_t i = 0; i < Secret<32>::size(); ++i) {
    CAPTURE(i);
    Secret<32> other = secret();
    other.span()[i] ^= 0x80;
    CHECK_FALSE(other.equals(secret()));
    Secret<32> almost_zero;
    almost_zero.span()[i] = 1;
    CHECK_FALSE(almost_zero.is_zero());
  }
}

TEST_CASE("assign and wipe") {
  Secret<32> key;
  key.assign(pattern());
  CHECK(key.equals(secret()));
  key.wipe();
  CHECK(key.is_zero());
}

TEST_CASE("the destructor wipes: the memory of a destroyed secret is zero") {
  alignas(Secret<32>) std::array<std::uint8_t, sizeof(Secret<32>)> memory{};
  auto* key = new (memory.data()) Secret<32>(pattern());
  const volatile std::uint8_t* bytes = memory.data();  // the compiler may not guess what is there
  REQUIRE_EQ(bytes[0], 0xa5);
  std::destroy_at(key);
  for (std::size_t i = 0; i < memory.size(); ++i) CHECK_EQ(bytes[i], 0);
}
