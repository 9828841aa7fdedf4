#!/usr/bin/env python3
"""Draws docs/kitchen.png from envs/kitchen/kitchen.xml by casting rays: no graphics driver is needed.

    build/venv/bin/python docs/kitchen_picture.py [OUT.png]

Needs the packages mujoco and numpy (test.sh installs both into build/venv).
"""
import pathlib
import struct
import sys
import zlib

import mujoco
import numpy as np

WIDTH, HEIGHT, OVERSAMPLE = 960, 600, 2
EYE, LOOK_AT, FIELD_OF_VIEW = np.array([-0.95, -1.15, 2.75]), np.array([-0.22, 0.60, 2.05]), 54
LIGHT = np.array([-0.2, -1.9, 4.0])
GROUPS = np.array([1, 1, 0, 0, 0, 0], dtype=np.uint8)  # what is seen


def unit(v):
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


def cast(model, data, origin, directions):
    n = len(directions)
    geom, distance, normal = np.full(n, -1, np.int32), np.full(n, -1.0), np.zeros(3 * n)
    mujoco.mj_multiRay(model, data, origin, directions.ravel(), GROUPS, 1, -1, geom, distance, normal, n, 1e9)
    return geom, distance, normal.reshape(n, 3)


def main():
    here = pathlib.Path(__file__).resolve().parent
    model = mujoco.MjModel.from_xml_path(str(here.parent / "envs/kitchen/kitchen.xml"))
    data = mujoco.MjData(model)
    mujoco.mj_resetDataKeyframe(model, data, 0)
    data.joint("microwave").qpos = -0.75  # one element done: the picture shows what moves
    mujoco.mj_forward(model, data)

    forward = unit(LOOK_AT - EYE)
    right = unit(np.cross(forward, [0, 0, 1]))
    up = np.cross(right, forward)
    w, h = WIDTH * OVERSAMPLE, HEIGHT * OVERSAMPLE
    half = np.tan(np.radians(FIELD_OF_VIEW / 2))
    x, y = np.meshgrid((np.arange(w) + 0.5) / w * 2 - 1, 1 - (np.arange(h) + 0.5) / h * 2)
    rays = unit(forward + half * (y[..., None] * up + x[..., None] * right * w / h)).reshape(-1, 3)

    geom, distance, normal = cast(model, data, EYE, rays)
    hit = geom >= 0
    point = EYE + rays * np.where(hit, distance, 0)[:, None]
    normal = np.where(((normal * rays).sum(1) > 0)[:, None], -normal, normal)
    to_light = unit(LIGHT - point)
    # A point is lit when the ray from the light reaches it first.
    _, reach, _ = cast(model, data, LIGHT, -to_light)
    lit = reach > np.linalg.norm(point - LIGHT, axis=1) - 2e-3
    diffuse = np.clip((normal * to_light).sum(1), 0, 1)
    shine = np.clip((normal * unit(to_light - rays)).sum(1), 0, 1) ** 40
    shade = 0.42 + 0.12 * normal[:, 2] + lit * 0.55 * diffuse
    color = model.geom_rgba[np.maximum(geom, 0), :3] * shade[:, None] + (lit * 0.18 * shine)[:, None]
    color = np.where(hit[:, None], color, [0.93, 0.95, 0.97])
    image = color.reshape(HEIGHT, OVERSAMPLE, WIDTH, OVERSAMPLE, 3).mean((1, 3))
    pixels = (np.clip(image, 0, 1) ** (1 / 1.25) * 255).astype(np.uint8)

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here / "kitchen.png"
    out.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows, 9))
        + chunk(b"IEND", b"")
    )


if __name__ == "__main__":
    main()
