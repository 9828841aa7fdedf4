// Goal-conditioned behaviour cloning with relabeling (paper, table 1): one flat policy, goals from the long window.
#include "rl/methods/method.hpp"

namespace baton::rl::method {

const Method gcbc{
    .name = "gcbc",
    .help = "flat, relabelled",
    .tuned_name = "gcbc",
    .published = {.success = 8.8, .step_completion = 2.2},
    .in_demo = true,
    .low = {.kind = TupleKind::kLow, .window = TupleWindow::kHigh},
    .high = {},
};

}  // namespace baton::rl::method
