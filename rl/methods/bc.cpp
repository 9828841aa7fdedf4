// Goal-conditioned behaviour cloning without relabeling (paper, table 1): one flat policy; the goal is the
// demonstration's last state.
#include "rl/methods/method.hpp"

namespace baton::rl::method {

const Method bc{
    .name = "bc",
    .help = "flat, not relabelled",
    .tuned_name = "bc",
    .published = {.success = 7.6, .step_completion = 1.78},
    .in_demo = true,
    .low = {.kind = TupleKind::kGoal, .window = TupleWindow::kOne},
    .high = {},
};

}  // namespace baton::rl::method
