"""Training steps and single operators against PyTorch, in alternation in one run; prints ratios, ours by theirs.

For each task PyTorch's best configuration counts: as installed, with a tuned allocator, in channels_last, compiled.
Needs torch; the tuned allocator is tcmalloc (Debian: libtcmalloc-minimal4) where it is installed.
Run: python3 scripts/peers/train_step.py [TASK...]
"""

import glob
import importlib.metadata
import os
import platform
import statistics
import sys
from functools import partial

from worker import Worker, build

# A process keeps the pages that it was given, and how fast memory is depends on them: each is started several times.
STARTS = 3
ROUNDS = 3
SECONDS = 0.2
TORCH = os.path.join(os.path.dirname(__file__), "torch_tasks.py")

# What the numbers are: crates/av-train/benches/peer.
STEP = "step, 64 rows"
TASKS = {
    STEP: "step 64 64 64 64 64",
    "inference, 64 rows": "inference 64 64 64 64 64",
    "conv 3 to 64 at 96": "conv2d 32 3 96 96 64 3 1 0",
    "conv 64 to 64 at 48": "conv2d 32 64 48 48 64 3 1 1",
    "conv 64 to 128 at 48, stride 2": "conv2d 32 64 48 48 128 3 2 1",
    "conv 256 to 256 at 12": "conv2d 32 256 12 12 256 3 1 1",
    "conv 1 to 32 at 64 x 128": "conv2d 64 1 64 128 32 3 1 0",
    "batch norm + ReLU": "batch_norm_relu 32 64 48 48",
    "max pool": "max_pool2d 32 64 48 48",
    "layer norm": "layer_norm 3200 512",
    "LSTM, 100 steps": "lstm 32 100 128 256",
    "GRU, 100 steps": "gru 32 100 128 256",
    "cross-entropy": "cross_entropy 256 1000",
    "Adam": "adam 10 500 1000",
}
# What is set beside itself on fewer threads.
SCALED = [STEP, "inference, 64 rows", "conv 64 to 64 at 48", "LSTM, 100 steps"]
# Environments of both sides, and arguments of PyTorch's: both with no wider instructions than AVX2; ours without any that
# the portable path lacks; theirs in another number type, which we do not have.
LEVELS = {
    "AVX2 on both sides": ({"AV_OPS_SIMD": "avx2"}, {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}, []),
    "ours portable": ({"AV_OPS_SIMD": "portable"}, {}, []),
    "PyTorch in bf16": ({}, {}, ["bf16"]),
}


def allocator():
    """A library to be loaded first, and its name."""
    found = sorted(glob.glob("/usr/lib*/libtcmalloc_minimal.so.*") + glob.glob("/usr/lib/*/libtcmalloc_minimal.so.*"))
    return (found[0], "tcmalloc") if found else (None, None)


def configurations(compiled):
    """PyTorch's: the arguments of its process and its environment."""
    library, name = allocator()
    tuned = {"LD_PRELOAD": library} if library else {}
    found = {"as installed": ([], {}), "channels_last": (["channels_last"], tuned)}
    if compiled:
        found["compiled"] = (["channels_last", "compile"], tuned)
    if library:
        found[name] = ([], tuned)
    return found


def theirs(configuration, threads, more=(), **environment):
    arguments, own = configuration
    environment |= {f"{name}_NUM_THREADS": str(threads) for name in ("OMP", "MKL")}
    return Worker([sys.executable, TORCH, *arguments, *more], threads, **environment, **own)


def ours(binary, threads, **environment):
    return Worker([binary], threads, RAYON_NUM_THREADS=str(threads), **environment)


def race(starts, task):
    """Medians and rounds of (wall, processor) seconds of a call of each worker, in turns, and the megabytes that it took."""
    rounds, memory = [], {name: [] for name in starts}
    for _ in range(STARTS):
        workers = {name: start() for name, start in starts.items()}
        # What the task took: the peak less what the process had after its start.
        before = {name: worker.ask("memory")[0] for name, worker in workers.items()}
        calls = {}
        for name, worker in workers.items():
            worker.ask(f"3 {task}")  # the first calls compile, and fill the allocators
            calls[name] = max(1, int(SECONDS / worker.ask(f"1 {task}")[0]))

        def timed(name):
            # Meanwhile others had the caches, and allocators gave memory back: one call is not counted.
            workers[name].ask(f"1 {task}")
            return workers[name].ask(f"{calls[name]} {task}")

        rounds += [{name: timed(name) for name in workers} for _ in range(ROUNDS)]
        for name, worker in workers.items():
            memory[name].append(worker.ask("memory")[0] - before[name])
            worker.end()
    wall = {name: statistics.median(times[name][0] for times in rounds) for name in starts}
    return wall, rounds, {name: statistics.median(taken) for name, taken in memory.items()}


class Duel:
    """One task, ours and PyTorch's in turns: median seconds, ratios to PyTorch's best, and memory."""

    def __init__(self, binary, task, threads, level=({}, {}, [])):
        # torch.compile's own code ends in an error where PyTorch is held to AVX2.
        known = configurations(task.startswith(("step", "inference")) and not level[1])
        starts = {name: partial(theirs, known[name], threads, level[2], **level[1]) for name in known}
        wall, rounds, self.memory = race({"ours": partial(ours, binary, threads, **level[0])} | starts, task)
        self.best = min(known, key=wall.get)
        self.ours, self.theirs = wall["ours"], wall[self.best]
        self.wall, self.processor = (
            statistics.median(times["ours"][clock] / times[self.best][clock] for times in rounds) for clock in (0, 1)
        )

    def row(self, name):
        milliseconds = f"{self.ours * 1e3:.2f} | {self.theirs * 1e3:.2f}"
        return f"| {name} | {milliseconds} | {self.best} | {self.wall:.2f} | {self.processor:.2f} |"


def scaling(binary, task, best):
    """How many times as fast ours and PyTorch's best configuration are on two threads as on one, each in turns with itself."""
    for side in (partial(ours, binary), partial(theirs, configurations(True)[best])):
        _, rounds, _ = race({threads: partial(side, threads) for threads in (1, 2)}, task)
        yield statistics.median(times[1][0] / times[2][0] for times in rounds)


def main():
    wanted = [name for name in TASKS if not sys.argv[1:] or any(word in name for word in sys.argv[1:])]
    print("# Training steps and operators beside PyTorch\n")
    print(f"Written by `scripts/peers/train_step.py`: median of {STARTS} starts of {ROUNDS} alternating rounds, f32.\n")
    print(f"Machine: {platform.machine()}, {os.cpu_count()} cores. torch {importlib.metadata.version('torch')},",
          "tuned allocator:", allocator()[1] or "none", end=".\n")
    binary = build("av-train")
    head = "\n| task | ours, ms | PyTorch, ms | its best | wall ratio | processor ratio |\n|---|---|---|---|---|---|"
    duels = {}
    for threads in range(1, min(2, os.cpu_count()) + 1):
        print(f"\n## {threads} thread{'s' * (threads > 1)}", head, sep="\n")
        for name in wanted:
            duels[name, threads] = Duel(binary, TASKS[name], threads)
            print(duels[name, threads].row(name), flush=True)
        if STEP in wanted:
            for name, level in LEVELS.items():
                print(Duel(binary, TASKS[STEP], threads, level).row(f"{STEP}, {name}"), flush=True)
    print("\n## 2 threads by 1\n\n| task | ours | PyTorch's best |\n|---|---|---|")
    for name in SCALED:
        if (name, 2) in duels:
            print(f"| {name} | {' | '.join(f'{gain:.2f}' for gain in scaling(binary, TASKS[name], duels[name, 2].best))} |", flush=True)
    if STEP in wanted:
        step = duels[STEP, 1]
        peers = {name: mb for name, mb in step.memory.items() if name != "ours"}
        best = min(peers, key=peers.get)
        print(f"\nPeak memory of the step with one thread, above that of the process at its start: ours {step.memory['ours']:.0f} MB, "
              f"PyTorch's least {peers[best]:.0f} MB ({best}), its fastest {peers[step.best]:.0f} MB.")


main()
