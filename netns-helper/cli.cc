#include "netns-helper/cli.h"

#include <cstdlib>
#include <iostream>
#include <string_view>

#include "shared/base/version.h"
#include "shared/sys/log.h"

namespace wg4 {
namespace {

constexpr std::string_view help =
    "The namespace-side half of wireguard4netns, which starts it: makes the TUN interface inside a network\n"
    "namespace, hands it to the host program and configures it. It never sees a key.\n"
    "Usage: wg4netns-helper [OPTIONS]\n"
    "\n"
    "Options:\n"
    "  -h,--help             Print this help message and exit\n"
    "  --version             Print the version and exit\n"
    "\n"
    "Without options it does what the program at the other end of the socket that is its descriptor 3 tells it.\n";

}  // namespace

std::optional<int> answer_arguments(int argc, char** argv) {
  if (argc <= 1) return std::nullopt;
  const std::string_view word = argv[1];
  if (argc == 2 && (word == "--help" || word == "-h")) {
    std::cout << help;
  } else if (argc == 2 && word == "--version") {
    std::cout << "wg4netns-helper " << version << "\n";
  } else {
    log::error(
        "wireguard4netns starts this program, and tells it what to do without arguments. See wg4netns-helper "
        "--help");
    return EXIT_FAILURE;
  }
  return std::cout.flush() ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace wg4
