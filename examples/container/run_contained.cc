// Runs a command in a container, by the library alone:
//
//   $ run_contained sh -c 'id -u; hostname; touch /usr/x'
//   65534
//   contained
//   touch: cannot touch '/usr/x': Read-only file system
//   run_contained: sh exited with status 1
//
// The command sees this machine's programs and nothing of its users: no home, no processes, no network. It ends with
// the command's status.

#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>

#include "netns-helper/container/container.h"
#include "netns-helper/container/operations/operation.h"
#include "shared/base/result.h"

namespace {

using wg4::container::Container;
using wg4::container::Ending;
using wg4::container::RunningContainer;
using namespace wg4::container;  // the operations

Container make_container(int argc, char** argv) {
  Container container;
  container.arguments.assign(argv + 1, argv + argc);
  container.environment = {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp", "LANG=C.UTF-8"};
  container.hostname = "contained";
  container.directory = "/tmp";
  container.operations = {Bind{.source = "/usr", .target = "/usr"}, Etc{}, Proc{}, Dev{}, Tmpfs{.target = "/tmp"}};
  // On most systems these are links into /usr, and are so in here.
  for (const char* name : {"/bin", "/sbin", "/lib", "/lib32", "/lib64"})
    container.operations.emplace_back(Bind{.source = name, .target = name, .optional = true});
  return container;
}

wg4::Result<Ending> run(Container container) {
  RunningContainer running = TRY(RunningContainer::start(std::move(container)));
  TRY(running.serve());
  return running.wait();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: run_contained COMMAND [ARGUMENT...]\n";
    return EXIT_FAILURE;
  }
  const auto ending = run(make_container(argc, argv));
  if (!ending) {
    std::cerr << "run_contained: " << ending.error().message() << '\n';
    return EXIT_FAILURE;
  }
  if (ending->orphans_killed) std::cerr << "run_contained: processes that it had left were killed\n";
  if (ending->status.success()) return EXIT_SUCCESS;
  std::cerr << "run_contained: " << argv[1] << ' ' << ending->status.to_string() << '\n';
  return ending->status.signaled ? EXIT_FAILURE : ending->status.value;
}
