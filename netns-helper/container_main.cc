// wg4netns-container: process 1 of a container (container/init.h), which programs start by the library
// (container/container.h); and by hand, such a program, with bubblewrap's words.

#include <span>
#include <string>
#include <vector>

#include "netns-helper/container/init.h"
#include "netns-helper/container/setup.h"
#include "netns-helper/container_by_hand.h"
#include "shared/sys/log.h"

#ifdef WG4_SANITIZED
// LeakSanitizer traces the process when it ends, which the init forbids.
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }
#endif

int main(int argc, char** argv) {
  wg4::log::set_program("wg4netns-container");
  if (argc <= 1 && wg4::container::has_starter(wg4::container::init_socket))
    return wg4::container::run_init(wg4::container::init_socket);
  const std::vector<std::string> line(argv + (argc > 0 ? 1 : 0), argv + argc);
  return wg4::container::run_by_hand(line);
}
