#pragma once
// What every benchmark of the learning engine does: verify, then time in short blocks, each beside a block of its
// limit (fused multiply-adds in registers, or a copy of the same bytes), then ask the peer for the same work with the
// same number of threads. Counters, all from the best block:
//   us              microseconds of one operation (the Time column is the mean over blocks)
//   GFLOP/s         where the work is counted in operations
//   of_limit        the limit's time over ours
//   peer_us, times_peer   the peer's time, and how often it contains ours; absent without a peer
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace baton::bench {

struct Work {
  std::function<void()> run;    // one operation
  double flops = 0;             // what it must compute, priced at the peak of all threads; 0: see limit
  std::function<void()> limit;  // what it is held against instead
  std::shared_ptr<void> state;  // what run and limit use
};

// Builds the work, runs it once and verifies it; throws Error naming what differs.
using MakeWork = std::function<Work()>;

// Registers `name` on one thread and `name/threads:2` where the machine has two cores. blocks: how many are timed.
// peer: what bench/learning/peer.py calls the same work, or empty.
void add_contest(const std::string& name, const std::string& peer, int blocks, MakeWork make);

void add_gemm_contests();
void add_policy_contests();
void add_natural_gradient_contests();
void add_relabel_contests();

// Throws Error unless |got - want| <= tolerance (1 + |want|) everywhere; a NaN fails. Names the worst element.
void require_close(const char* what, const std::vector<float>& got, const std::vector<float>& want,
                   double tolerance);

}  // namespace baton::bench
