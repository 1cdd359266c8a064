#pragma once
// Process 1 of a container: makes it, starts the command, and stays until all in it have ended. Its rights, and those
// of the command, are gone before anything of the command's runs.
//
// The command can neither look into it nor signal it: it is not dumpable, in no Landlock domain of the command's, and
// takes only signals from outside. When its starter ends, the kernel kills it, and so all that is inside.

namespace wg4::container {

/// Whether this program was started as an init: by hand there is no such socket.
[[nodiscard]] bool has_starter(int socket);

/// `socket` leads to the starter (setup.h). Returns the status with which the process has to end.
[[nodiscard]] int run_init(int socket);

}  // namespace wg4::container
