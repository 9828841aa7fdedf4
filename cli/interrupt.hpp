#pragma once
// Ctrl-C ends long work cleanly: the signal only sets a flag, long loops poll it through their progress callback.
namespace baton::cli {

// Installs the handlers of SIGINT, SIGTERM, SIGQUIT and, unless nohup had it ignored, SIGHUP. A second one of the same
// kind ends the process at once.
void catch_interrupts();

// The signal that came, 0 before.
int interrupted();

// Throws rl::Interrupted after Ctrl-C: what was not finished is removed on the way out.
void throw_if_interrupted();

}  // namespace baton::cli
