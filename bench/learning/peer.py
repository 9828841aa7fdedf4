"""The peers' side of learning_bench: one piece of work, timed; prints the seconds of one operation.

peer.py WORK THREADS, where WORK is a benchmark's name: gemm... is NumPy's product (OpenBLAS), the rest is PyTorch.
The policy is 60 -> 256 -> 256 -> 9, tanh (bc_step_chunks: 60 -> 256 -> 256 -> 256 -> 72, GELU), Gaussian with a
state-independent log_std; the natural gradient follows
mjrl: double backward through the mean KL. The best of several repetitions counts, as it does for ours.
"""
import sys
import time

import numpy

STATE, HIDDEN, ACTION = 60, 256, 9


def best_seconds(run, budget=1.5):
    """The fastest block of runs within about `budget` seconds; a block takes 4 ms or one run."""
    run()
    start = time.perf_counter()
    run()
    count = max(1, int(4e-3 / (time.perf_counter() - start)))
    best, end = float("inf"), time.perf_counter() + budget
    blocks = 0
    while blocks < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        for _ in range(count):
            run()
        best = min(best, (time.perf_counter() - start) / count)
        blocks += 1
    return best


def product(work):
    kind, sizes = work.split("/")
    m, n, k = map(int, sizes.split("x"))
    rng = numpy.random.default_rng(0)
    normal = lambda *shape: rng.standard_normal(shape, dtype=numpy.float32)
    a = normal(k, m).T if kind == "gemm_at" else normal(m, k)
    b = normal(n, k).T if kind == "gemm_bt" else normal(k, n)
    out = numpy.empty((m, n), numpy.float32)
    return lambda: numpy.matmul(a, b, out=out)


class Policy:
    def __init__(self, torch, layers=2, activation="Tanh", out=ACTION):
        self.torch = torch
        self.out = out
        nn = torch.nn
        widths = [STATE] + [HIDDEN] * layers
        hidden = [part for a, b in zip(widths, widths[1:]) for part in (nn.Linear(a, b), getattr(nn, activation)())]
        self.net = nn.Sequential(*hidden, nn.Linear(HIDDEN, out))
        self.log_std = torch.zeros(out, requires_grad=True)
        self.parameters = [*self.net.parameters(), self.log_std]

    def log_likelihood(self, x, y):
        return (-0.5 * (((y - self.net(x)) / self.log_std.exp()) ** 2).sum(1) - self.log_std.sum())

    def flat_gradient(self, value, **options):
        return self.torch.cat([g.reshape(-1) for g in self.torch.autograd.grad(value, self.parameters, **options)])

    def forward(self, rows):
        x = self.torch.randn(rows, STATE)

        def run():
            with self.torch.no_grad():
                self.net(x)
        return run

    def bc_step(self, rows):
        """On a ready-made batch: the peer's data loading is not timed, ours is."""
        x, y = self.torch.randn(rows, STATE), self.torch.randn(rows, self.out)
        optimizer = self.torch.optim.Adam(self.parameters, 1e-3)

        def run():
            optimizer.zero_grad()
            (-self.log_likelihood(x, y).mean()).backward()
            optimizer.step()
        return run

    def fisher_product(self, rows):
        torch = self.torch
        x = torch.randn(rows, STATE)
        with torch.no_grad():
            old_mean, old_log_std = self.net(x), self.log_std.clone()

        def product_with(v):
            mean, old_var, var = self.net(x), (2 * old_log_std).exp(), (2 * self.log_std).exp()
            kl = (((old_mean - mean) ** 2 + old_var - var) / (2 * var + 1e-8) + self.log_std - old_log_std).sum(1)
            return self.flat_gradient((self.flat_gradient(kl.mean(), create_graph=True) * v).sum())
        return product_with

    def fisher_vector_product(self, rows):
        product_with = self.fisher_product(rows)
        v = self.torch.randn(sum(p.numel() for p in self.parameters))
        return lambda: product_with(v)

    def npg_update(self, rows):
        torch = self.torch
        x, y, advantage = torch.randn(rows, STATE), torch.randn(rows, ACTION), torch.randn(rows)
        product_with = self.fisher_product(rows)

        def run():
            g = self.flat_gradient((self.log_likelihood(x, y) * advantage).mean())
            d, r, p = torch.zeros_like(g), g.clone(), g.clone()
            rr = r @ r
            for _ in range(10):
                z = product_with(p) + 1e-4 * p
                alpha = rr / (p @ z)
                d, r = d + alpha * p, r - alpha * z
                next_rr = r @ r
                p, rr = r + next_rr / rr * p, next_rr
        return run


def policy_work(work, threads):
    import torch
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    kind, rows = work.split("/")
    if kind == "bc_step_chunks":
        return Policy(torch, layers=3, activation="GELU", out=8 * ACTION).bc_step(int(rows))
    policy = Policy(torch)
    return {"policy_forward": policy.forward, "bc_step": policy.bc_step, "npg_update": policy.npg_update,
            "fisher_vector_product": policy.fisher_vector_product}[kind](int(rows))


def main():
    work, threads = sys.argv[1], int(sys.argv[2])
    print(best_seconds(product(work) if work.startswith("gemm") else policy_work(work, threads)))


main()
