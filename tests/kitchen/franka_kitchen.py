"""FrankaKitchen-v1 of Gymnasium-Robotics, driven without sensor noise, for tests/kitchen/franka_kitchen_test.cpp.

    python franka_kitchen.py random OUT               40 random actions from its reset, three times
    python franka_kitchen.py human OUT DEMOS.h5       the actions of human recordings, each from its first pose at rest
    python franka_kitchen.py noise OUT                400 observations at reset under noise of ratio 1, minus the truth

Writes float64 to OUT, row after row (noise: 30 numbers each): contacts of the robot with the rest, -1 at a start; the
tasks first completed by this action, a bit each in the order of TASKS; action (9); qpos (30) after it. MuJoCo's collision and solver run to their ends, so that its tolerances are not compared. Needs
gymnasium-robotics 1.4.2, mujoco 4 and h5py.
"""
import sys

import numpy as np

TASKS = ["microwave", "kettle", "light switch", "slide cabinet"]


def make(ratio=0.0):
    from gymnasium_robotics.envs.franka_kitchen import KitchenEnv, franka_env

    # Its own function compares types of joints in a way that MuJoCo 4 refuses; the robot's joints are the first nine.
    franka_env.robot_get_obs = lambda model, data, names: (data.qpos[:9].copy(), data.qvel[:9].copy())
    env = KitchenEnv(tasks_to_complete=TASKS, object_noise_ratio=ratio, robot_noise_ratio=ratio)
    env.model.opt.tolerance = env.model.opt.ccd_tolerance = 1e-12
    env.model.opt.ccd_iterations = 500
    return env


def robot_contacts(env):
    """Contacts with a geom of the robot's links."""
    model, data = env.model, env.data
    is_robot = np.array([bool(model.body(b).name.startswith("panda0")) for b in range(model.nbody)])
    bodies = model.geom_bodyid[data.contact.geom] if data.ncon else np.zeros((0, 2), int)
    return int((is_robot[bodies].sum(1) == 1).sum())


def episode(env, actions, rows):
    rows.append(np.r_[-1, 0, np.zeros(9), env.data.qpos])
    for action in actions.astype(float):
        info = env.step(action)[-1]
        done = sum(1 << TASKS.index(task) for task in info["step_task_completions"])
        rows.append(np.r_[robot_contacts(env), done, action, env.data.qpos])


def random_episodes(rows):
    env, rng = make(), np.random.default_rng(20190625)
    for number in range(3):
        env.reset(seed=number)
        slow = np.cumsum(rng.normal(size=(40, 9)), 0) / 3
        episode(env, np.clip(slow, -1.5, 1.5).astype(np.float32), rows)


def human_episodes(rows, path):
    import h5py

    with h5py.File(path) as f:
        ends = np.nonzero(f["timeouts"][:].astype(bool) | f["terminals"][:].astype(bool))[0] + 1
        poses, actions = f["observations"][:, :30].astype(float), f["actions"][:]
    env = make()
    for begin, end in zip(np.r_[0, ends[:-1]], ends):
        env.reset(seed=0)
        env.robot_env.set_state(poses[begin], np.zeros(29))
        env.robot_env._get_obs()  # what the first action refers to
        episode(env, actions[begin:end], rows)


def noise(rows):
    env = make(1.0)
    for seed in range(400):
        seen = env.reset(seed=seed)[0]["observation"]
        rows.append(np.r_[seen[:9], seen[18:39]] - env.data.qpos)


def main():
    what, rows = sys.argv[1], []
    if what == "random":
        random_episodes(rows)
    elif what == "noise":
        noise(rows)
    else:
        human_episodes(rows, sys.argv[3])
    np.array(rows, dtype="<f8").tofile(sys.argv[2])


if __name__ == "__main__":
    main()
