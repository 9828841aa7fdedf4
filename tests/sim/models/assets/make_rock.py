"""Writes rock.stl: a bumpy ball of 80 triangles, closed and turned outward. Run here: python3 make_rock.py"""
import math
import struct

t = (1 + math.sqrt(5)) / 2
corners = [(-1, t, 0), (1, t, 0), (-1, -t, 0), (1, -t, 0), (0, -1, t), (0, 1, t), (0, -1, -t), (0, 1, -t),
           (t, 0, -1), (t, 0, 1), (-t, 0, -1), (-t, 0, 1)]
faces = [(0, 11, 5), (0, 5, 1), (0, 1, 7), (0, 7, 10), (0, 10, 11), (1, 5, 9), (5, 11, 4), (11, 10, 2), (10, 7, 6),
         (7, 1, 8), (3, 9, 4), (3, 4, 2), (3, 2, 6), (3, 6, 8), (3, 8, 9), (4, 9, 5), (2, 4, 11), (6, 2, 10),
         (8, 6, 7), (9, 8, 1)]


def bumpy(p):
    n = math.sqrt(sum(c * c for c in p))
    x, y, z = (c / n for c in p)
    r = 0.08 + 0.02 * math.sin(5 * x + 1) * math.cos(4 * y) + 0.015 * math.sin(6 * z + 2 * x)
    return (1.3 * r * x + 0.02, r * y - 0.01, 0.8 * r * z + 0.03)


def middle(a, b):
    m = [(u + v) / 2 for u, v in zip(a, b)]
    n = math.sqrt(sum(c * c for c in m))
    return tuple(c * math.sqrt(1 + t * t) / n for c in m)


triangles = []
for i, j, k in faces:
    a, b, c = corners[i], corners[j], corners[k]
    ab, bc, ca = middle(a, b), middle(b, c), middle(c, a)
    triangles += [(a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca)]
with open("rock.stl", "wb") as out:
    out.write(b"bumpy ball".ljust(80) + struct.pack("<I", len(triangles)))
    for tri in triangles:
        out.write(struct.pack("<12fH", 0, 0, 0, *(c for p in tri for c in bumpy(p)), 0))
