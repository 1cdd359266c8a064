// Many random worlds, one for each seed. `sim_seeds` runs 300 of them, `--count N` as many as that, `--seed N` the one
// that failed.

#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>

#include "tests/sim/random_world.h"

namespace {

constexpr std::uint64_t default_count = 300;

/// The command that repeats the running seed. It is static, so that the handler of a crash can print it.
char replay_command[80];

extern "C" void name_the_seed(int) {
  [[maybe_unused]] const auto written = write(STDERR_FILENO, replay_command, std::strlen(replay_command));
  std::_Exit(1);
}

bool run(std::uint64_t seed) {
  std::snprintf(replay_command, sizeof(replay_command), "replay with: sim_seeds --seed %llu\n",
                static_cast<unsigned long long>(seed));
  const std::string broken = wg4::test::RandomWorld(seed).run();
  if (broken.empty()) return true;
  std::fprintf(stderr, "seed %llu: %s; %s", static_cast<unsigned long long>(seed), broken.c_str(), replay_command);
  return false;
}

/// 0 if it is not a number.
std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view option = argc == 3 ? argv[1] : "--count";
  const std::uint64_t value = argc == 3 ? number(argv[2]) : default_count;
  if ((argc != 1 && argc != 3) || value == 0 || (option != "--seed" && option != "--count")) {
    std::fprintf(stderr, "usage: sim_seeds [--count N | --seed N]\n");
    return 1;
  }
  std::signal(SIGABRT, name_the_seed);
  std::signal(SIGSEGV, name_the_seed);
  if (option == "--seed") return run(value) ? 0 : 1;

  int failed = 0;
  for (std::uint64_t seed = 1; seed <= value; ++seed) failed += run(seed) ? 0 : 1;
  return failed == 0 ? 0 : 1;
}
