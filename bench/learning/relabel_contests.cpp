// relabel/low, relabel/high, relabel/chunks: 4096 tuples of algorithms 2, 3 and 2 with the 8 actions from a step on,
// drawn and gathered from 400 demonstrations of 280 steps. Limit: copying as many bytes as the gather writes, from rows
// that lie one behind the other.
#include <algorithm>
#include <cstring>

#include "bench/learning/contest.hpp"
#include "bench/learning/policy_fixture.hpp"
#include "kernels/error.hpp"
#include "kernels/parallel.hpp"

namespace baton::bench {
namespace {

constexpr int kTuples = 4096;

struct RelabelWork {
  PolicyFixture fixture;
  rl::TupleStream stream;
  std::vector<float> x, y;
  std::uint64_t batch = 0;
  std::size_t place = 0;  // where the copy reads next

  RelabelWork(bool high, const FixtureShape& shape)
      : fixture(1, shape),
        stream(fixture.stream(high)),
        x(std::size_t{kTuples} * 60),
        y(static_cast<std::size_t>(kTuples) * static_cast<std::size_t>(stream.output_dim())) {
    run();
    verify();
  }

  void run() {
    kernels::Random random(7, batch++);
    stream.draw(random, kTuples, x.data(), y.data());
  }

  // The same bytes from the same 13 MB of states, row after row.
  void copy() {
    for (std::vector<float>* to : {&x, &y}) {
      if (place + to->size() > fixture.data.states.size()) place = 0;
      std::memcpy(to->data(), fixture.data.states.data() + place, to->size() * sizeof(float));
      place += to->size();
    }
  }

  // Every half of an input is a state of the demonstrations, and both lie in one episode, in order.
  void verify() const {
    const rl::Dataset& data = fixture.data;
    const std::size_t s = static_cast<std::size_t>(data.state_dim);
    for (std::size_t i = 0; i < 64; ++i) {
      const auto row = [&](std::size_t offset) {
        const auto at = std::search(data.states.begin(), data.states.end(),
                                    x.begin() + static_cast<std::ptrdiff_t>(i * 2 * s + offset),
                                    x.begin() + static_cast<std::ptrdiff_t>(i * 2 * s + offset + s));
        BATON_REQUIRE(at != data.states.end(), "relabel: tuple {} holds no recorded state", i);
        return static_cast<std::size_t>(at - data.states.begin()) / s;
      };
      const std::size_t now = row(0), later = row(s);
      BATON_REQUIRE(now < later && now / 280 == later / 280, "relabel: tuple {} goes from step {} to {}", i,
                    now, later);
    }
  }
};

}  // namespace

void add_relabel_contests() {
  const auto add = [](const char* name, bool high, const FixtureShape& shape) {
    add_contest(name, "", 60, [high, shape] {
      const auto work = std::make_shared<RelabelWork>(high, shape);
      return Work{[w = work.get()] { w->run(); }, 0, [w = work.get()] { w->copy(); }, work};
    });
  };
  add("relabel/low", false, {});
  add("relabel/high", true, {});
  add("relabel/chunks", false, kChunks);
}

}  // namespace baton::bench
