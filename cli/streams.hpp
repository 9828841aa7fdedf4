#pragma once
// The three standard streams, whatever state they arrive in.
#include <string>

namespace baton::cli {

// First thing in main. Streams that are closed are opened on /dev/null, so that no output file gets their number and no
// message lands in it. A reader that goes away (baton ... | head) and a file beyond `ulimit -f` become errors of the
// write instead of a silent death.
void prepare_streams();

// One line on standard error, without the control characters that names in a hostile file may hold. What cannot be
// said is not an error: the exit code stays.
void note(std::string line);

// Throws where what went to standard output did not arrive there.
void flush_output();

}  // namespace baton::cli
