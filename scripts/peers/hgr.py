"""hgr-corr against its peers, in alternation in one run on one thread; prints ratios, ours by theirs.

Needs numpy, torch, maxcorr, dcor and cca-zoo: pip install -r scripts/peers/requirements.txt
Run: python3 scripts/peers/hgr.py
"""

import os

for name in ("OMP", "MKL", "OPENBLAS", "NUMBA", "RAYON"):
    os.environ[f"{name}_NUM_THREADS"] = "1"

import importlib.metadata
import platform
import statistics
import tempfile
import time
import warnings

import dcor
import maxcorr
import numpy
import torch
from cca_zoo.linear import CCA
from worker import Worker, build, hold

ROUNDS = 7
SIZES = [(64, 64), (256, 64), (256, 512), (1024, 64), (1024, 1024), (64, 1024)]
torch.set_num_threads(1)
warnings.filterwarnings("ignore")


def autograd(f, g):
    """The neg_hscore of circulating code, differentiated by autograd."""
    f, g = f - f.mean(0), g - g.mean(0)
    n = f.shape[0]
    cross = (f * g).sum() / (n - 1)
    spread = (f.T @ f / (n - 1) * (g.T @ g / (n - 1))).sum()
    return spread / 2 - cross


class Fused(torch.autograd.Function):
    """The same with covariances and gradient by hand."""

    @staticmethod
    def forward(ctx, f, g):
        f, g = f - f.mean(0), g - g.mean(0)
        a = 1 / (f.shape[0] - 1)
        sf, sg = f.T @ f * a, g.T @ g * a
        ctx.save_for_backward(torch.addmm(g, f, sg, beta=-a, alpha=a), torch.addmm(f, g, sf, beta=-a, alpha=a))
        return (sf * sg).sum() / 2 - (f * g).sum() * a

    @staticmethod
    def backward(ctx, upstream):
        df, dg = ctx.saved_tensors
        return df * upstream, dg * upstream


def seconds(call, calls):
    start = time.perf_counter()
    for _ in range(calls):
        value = call()
    return (time.perf_counter() - start) / calls, value


def step(loss, f, g):
    f.grad = g.grad = None
    value = loss(f, g)
    value.backward()
    return value.item()


def duel(ours, theirs):
    """Median over rounds of ours by theirs, each measured right after the other."""
    ours(), theirs()
    ratios, times = [], []
    for _ in range(ROUNDS):
        (mine, a), (other, b) = ours(), theirs()
        ratios.append(mine / other)
        times.append((mine, other))
    mine, other = (statistics.median(side) for side in zip(*times))
    return statistics.median(ratios), mine, other, a, b


def report(task, peer, result):
    ratio, mine, other, a, b = result
    print(f"| {task} | {peer} | {mine * 1e3:.3f} | {other * 1e3:.3f} | {ratio:.2f} | {a:.4f} | {b:.4f} |", flush=True)


def save(folder, x, y, kind):
    path = os.path.join(folder, "sides")
    numpy.concatenate([x.ravel(), y.ravel()]).astype(kind).tofile(path)
    return path


def losses(ours, folder, draw):
    for n, k in SIZES:
        f = draw.normal(size=(n, k)).astype("f4") / k**0.5
        g = (0.7 * f + 0.7 * draw.normal(size=(n, k)) / k**0.5).astype("f4")
        path = save(folder, f, g, "f4")
        calls = max(3, int(2e9 / (8 * n * k * k + 4e6)))
        a, b = (torch.tensor(side, requires_grad=True) for side in (f, g))
        mine = lambda: ours.ask(f"soft_hgr {path} {n} {k} {calls}")
        for name, loss in (("torch autograd", autograd), ("torch fused", Fused.apply)):
            report(f"soft_hgr {n} x {k}", name, duel(mine, lambda: seconds(lambda: step(loss, a, b), calls)))


def estimates(ours, folder, draw):
    for n in (100_000, 1_000_000):
        x = draw.normal(size=n)
        y = x**2 + draw.normal(size=n)
        path = save(folder, x, y, "f8")
        calls = 1_000_000 // n
        mine = lambda: ours.ask(f"hgr {path} {n} 1 {calls}")
        kernel = lambda: seconds(lambda: float(maxcorr.hgr("dk").compute(x, y)), calls)
        distance = lambda: seconds(lambda: float(dcor.distance_correlation(x, y)), calls)
        report(f"hgr {n:,}", "maxcorr double kernel", duel(mine, kernel))
        report(f"hgr {n:,}", "dcor", duel(mine, distance))
    print(f"\nPeak memory of our process after hgr at n = 1,000,000: {ours.ask('memory')[0]:.0f} MB, "
          "16 MB of them for reading the data.\n")


def canonical(ours, folder, draw):
    n, p = 100_000, 64
    shared = draw.normal(size=(n, 4))
    x, y = (numpy.concatenate([shared + draw.normal(size=(n, 4)), draw.normal(size=(n, p - 4))], 1) for _ in "xy")
    path = save(folder, x, y, "f8")
    mine = lambda: ours.ask(f"cca {path} {n} {p} 1")

    def zoo():
        taken, model = seconds(lambda: CCA(n_components=p).fit([x, y]), 1)
        first, second = (side[:, 0] for side in model.transform([x, y]))
        return taken, numpy.corrcoef(first, second)[0, 1]

    report(f"CCA {n:,} x {p}", "cca-zoo", duel(mine, zoo))


def main():
    versions = {name: importlib.metadata.version(name) for name in ("torch", "maxcorr", "dcor", "cca-zoo", "numpy")}
    print("Written by `scripts/peers/hgr.py`: one thread each, median of", ROUNDS, "alternating rounds on one core.\n")
    print(f"Machine: {platform.machine()}, {os.cpu_count()} cores. Peers:", ", ".join(f"{a} {b}" for a, b in versions.items()))
    print("\n| task | peer | ours, ms | peer, ms | ratio | our value | peer's value |\n|---|---|---|---|---|---|---|")
    binary = build("hgr-corr")
    hold(1)
    with tempfile.TemporaryDirectory() as folder:
        draw = numpy.random.default_rng(1)
        losses(Worker([binary]), folder, draw)
        canonical(Worker([binary]), folder, draw)
        estimates(Worker([binary]), folder, draw)


main()
