#pragma once
// Ctrl-C ends long work cleanly: the signal only sets a flag, long loops poll it through their progress callback.
namespace baton::cli {

// Installs the handlers of SIGINT and SIGTERM. A second Ctrl-C ends the process at once.
void catch_interrupts();

bool interrupted();

// Throws rl::Interrupted after Ctrl-C: what was not finished is removed on the way out.
void throw_if_interrupted();

}  // namespace baton::cli
