"""The peers' side of kitchen_bench: FrankaKitchen-v1 under random actions, timed.

    python peer.py envpool|mujoco MODEL.xml THREADS ACTIONS

Prints two rates of actions, by the wall and by the processor's clock, then the robot's nine joints after five fixed
actions from the reset without sensor noise, by which the environments are known to be the same. envpool: EnvPool's
environment on its own copy of the original model (MODEL.xml is not read). mujoco: 40 mj_step under the same rules, its
threads each with its own states.
"""
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

ENVS = 4  # a thread
LOW = np.array([-2.9, -1.8, -2.9, -3.1, -2.9, 0, -2.9, 0, 0])
HIGH = np.array([2.9, 1.8, 2.9, 0, 2.9, 3.8, 2.9, 0.04, 0.04])
START = [0.148388023, -1.76848573, 1.84390296, -2.47685760, 0.260252026, 0.712533105, 1.59515394, 0.0479267505, 0.0371350919,
         *np.zeros(14), -0.269397440, 0.350383255, 1.61944683, 1, 0, 0, 0]
FIXED = np.array([0.5, -0.5, 0.5, -0.5, 0.5, -0.5, 0.5, -0.5, 0.5])


class EnvPool:
    def __init__(self, threads, noise):
        import envpool

        self.env = envpool.make("FrankaKitchen-v1", env_type="gymnasium", num_envs=ENVS * threads, num_threads=threads,
                                terminate_on_tasks_completed=False, **({} if noise else dict(robot_noise_ratio=0.0, object_noise_ratio=0.0)))
        self.seen = self.env.reset()[0]["observation"]

    def step(self, actions):
        self.seen = self.env.step(actions)[0]["observation"]


class MuJoCo:
    def __init__(self, path, threads, noise):
        import mujoco

        self.mujoco, self.model = mujoco, mujoco.MjModel.from_xml_path(path)
        self.data = [mujoco.MjData(self.model) for _ in range(ENVS * threads)]
        self.noise, self.rng, self.pool, self.threads = 0.001 * noise, np.random.default_rng(0), ThreadPoolExecutor(threads), threads
        for d in self.data:
            d.qpos[:] = START
        self.observe()

    def observe(self):
        self.seen = np.array([d.qpos for d in self.data])
        self.seen[:, :9] += self.noise * self.rng.uniform(-1, 1, (len(self.data), 9))

    def run(self, rows):
        for d in rows:
            self.mujoco.mj_step(self.model, d, 40)

    def step(self, actions):
        for d, seen, action in zip(self.data, self.seen, actions):
            d.ctrl[:] = np.clip(seen[:9] + 0.16 * action, LOW, HIGH)
        list(self.pool.map(self.run, [self.data[t::self.threads] for t in range(self.threads)]))
        self.observe()


def main():
    peer, model, threads, actions = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    make = lambda noise: EnvPool(threads, noise) if peer == "envpool" else MuJoCo(model, threads, noise)
    still = make(False)
    for _ in range(5):
        still.step(np.tile(FIXED, (ENVS * threads, 1)))
    env, rng = make(True), np.random.default_rng(1)
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(actions):
        env.step(rng.uniform(-1, 1, (ENVS * threads, 9)))
    count = actions * ENVS * threads
    print(count / (time.perf_counter() - wall), count / (time.process_time() - cpu), *still.seen[0, :9])


main()
