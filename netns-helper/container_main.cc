// wg4netns-container: process 1 of a container (container/init.h), which programs start by the library
// (container/container.h).

#include "netns-helper/container/init.h"
#include "netns-helper/container/setup.h"
#include "shared/sys/log.h"

#ifdef WG4_SANITIZED
// LeakSanitizer traces the process when it ends, which the init forbids.
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }
#endif

int main() {
  wg4::log::set_program("wg4netns-container");
  if (wg4::container::has_starter(wg4::container::init_socket))
    return wg4::container::run_init(wg4::container::init_socket);
  wg4::log::error("programs start this one, by the library of containers");
  return 1;
}
