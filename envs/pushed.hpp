#pragma once
// An environment whose arm is pushed off its way once an episode: from a random step on, `push` consecutive actions are
// replaced by one constant random action. Step and action are functions of the environment's seed alone, for any batch.
#include <memory>

#include "envs/env.hpp"

namespace baton::envs {

// push: 1..horizon. Everything else is the environment's own.
std::unique_ptr<BatchEnv> make_pushed(std::unique_ptr<BatchEnv> env, int push);

}  // namespace baton::envs
