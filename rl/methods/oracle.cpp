// Oracle segmentation (paper, figure 6): RIL whose demonstrations are cut where an element of their compound goal is
// completed, instead of every W_l steps. The low level learns to reach the end of the piece that a state belongs to;
// the high level learns to propose it; acting, a subgoal is held until it is reached, H steps at the longest.
#include "rl/methods/method.hpp"

namespace baton::rl::method {

const Method oracle{
    .name = "oracle",
    .help = "both levels, cut where elements are completed",
    .tuned_name = "oracle",
    .published = {},
    .low = {.kind = TupleKind::kLow, .window = TupleWindow::kOne, .cut_at_completions = true},
    .high = TupleRule{.kind = TupleKind::kHigh, .window = TupleWindow::kHigh, .cut_at_completions = true},
    .subgoal_end = SubgoalEnd::kReached,
};

}  // namespace baton::rl::method
