// Counts every call of operator new in this executable: training steps allocate at first, then never.
#include <doctest/doctest.h>

#include <numeric>

#include "kernels/parallel.hpp"
#include "rl/npg.hpp"
#include "rl/trainer.hpp"
#include "tests/rl/hand_policy.hpp"
#include "tests/rl/synthetic.hpp"
#include "tests/support/allocations.hpp"

using namespace baton;
using namespace baton::rl;

TEST_CASE("the counter counts") {
  CHECK(test::allocations_of([] { delete new int; }) == 1);
}

TEST_CASE("an update of imitation does not allocate after the first two") {
  const Dataset data = test::point_mass_dataset(20, 30, 4);
  std::vector<int> episodes(20);
  std::iota(episodes.begin(), episodes.end(), 0);
  for (const int threads : {1, 2}) {
    for (const ag::Algorithm optimizer : {ag::Algorithm::kAdamW, ag::Algorithm::kSgd}) {
      for (const auto& [kind, head] : {std::pair{TupleKind::kLow, HeadKind::kGaussian},
                                       {TupleKind::kLow, HeadKind::kTwoPass},
                                       {TupleKind::kLow, HeadKind::kMixture},
                                       {TupleKind::kHigh, HeadKind::kGaussian}}) {
        kernels::set_threads(threads);
        TupleStream train, heldout;
        train.data = heldout.data = &data;
        train.kind = kind;
        train.low_window = 5;
        train.sources.push_back({RelabelIndex(data, 20, episodes), 1.0});
        PolicySettings shape;
        shape.hidden = {32, 32};
        shape.layer_norm = true;
        shape.head = head;
        RelayPolicy policy = make_policy(data, test::kPointMass, method::ril, shape, 3);
        ImitationSettings settings;
        settings.batch = 300;
        settings.optimizer = optimizer;
        settings.clip_norm = 1;
        settings.goal_noise = 0.1f;
        LevelTrainer trainer(kind == TupleKind::kHigh ? *policy.high : policy.low, train, heldout, settings,
                             5);
        for (int k = 0; k < 2; ++k) trainer.update(k);
        CHECK(test::allocations_of([&] {
                for (int k = 2; k < 12; ++k) trainer.update(k);
              }) == 0);
      }
    }
  }
  kernels::set_threads(0);
}

TEST_CASE("a natural gradient step does not allocate after the first two") {
  const test::HandRows rows;
  const PolicyRows own = rows.first(rows.n), demos = rows.first(200);
  for (const auto& [threads, head] :
       {std::pair{1, test::kHeads[0]}, {2, test::kHeads[0]}, {2, test::kHeads[1]}, {2, test::kHeads[2]}}) {
    for (const Preconditioner preconditioner : {Preconditioner::kNone, Preconditioner::kDiagonal}) {
      kernels::set_threads(threads);
      GaussianPolicy policy = test::hand_policy(5, 2, false, 3, head);
      NpgSettings settings;
      settings.preconditioner = preconditioner;
      NpgSolver solver;
      const auto step = [&] {
        return solver.step(policy, own, rows.advantages, demos, 0.1f, settings).cg.iterations;
      };
      for (int k = 0; k < 2; ++k) step();
      int iterations = 0;
      CHECK(test::allocations_of([&] {
              for (int k = 0; k < 3; ++k) iterations += step();
            }) == 0);
      CHECK(iterations == 30);
    }
  }
  kernels::set_threads(0);
}
