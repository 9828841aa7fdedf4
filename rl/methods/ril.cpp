// Relay imitation learning (paper, equation 1): both levels, on data relabelled by algorithms 2 and 3.
#include "rl/methods/method.hpp"

namespace baton::rl::method {

const Method ril{
    .name = "ril",
    .help = "both levels, relabelled",
    .tuned_name = "rpl",
    .published = {.success = 21.7, .step_completion = 2.4},
    .in_demo = true,
    .low = {.kind = TupleKind::kLow, .window = TupleWindow::kLow},
    .high = TupleRule{.kind = TupleKind::kHigh, .window = TupleWindow::kHigh},
};

}  // namespace baton::rl::method
