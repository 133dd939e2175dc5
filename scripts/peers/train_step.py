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

from worker import Worker, build

ROUNDS = 7
SECONDS = 0.3
TORCH = os.path.join(os.path.dirname(__file__), "torch_tasks.py")

# What the numbers are: crates/av-train/benches/peer.
TASKS = {
    "step, 64 rows": "step 64 64 64 64 64",
    "inference, 64 rows": "inference 64 64 64 64 64",
    "conv 3 to 64 at 96": "conv2d 32 3 96 96 64 3 1 0",
    "conv 64 to 64 at 48": "conv2d 32 64 48 48 64 3 1 1",
    "conv 64 to 128 at 48, stride 2": "conv2d 32 64 48 48 128 3 2 1",
    "conv 256 to 256 at 12": "conv2d 32 256 12 12 256 3 1 1",
    "conv 1 to 32 at 64 x 128": "conv2d 64 1 64 128 32 3 1 0",
    "batch norm + ReLU": "batch_norm_relu 32 64 48 48",
    "max pool": "max_pool2d 32 64 48 48",
    "cross-entropy": "cross_entropy 256 1000",
    "Adam": "adam 10 500 1000",
}


def allocator():
    """A library to be loaded first, and its name."""
    found = sorted(glob.glob("/usr/lib*/libtcmalloc_minimal.so.*") + glob.glob("/usr/lib/*/libtcmalloc_minimal.so.*"))
    return (found[0], "tcmalloc") if found else (None, None)


def peers(threads, compiled):
    """PyTorch's configurations, each a process of its own."""
    library, name = allocator()
    tuned = {"LD_PRELOAD": library} if library else {}
    settings = {"as installed": ([], {}), "channels_last": (["channels_last"], tuned)}
    if compiled:
        settings["compiled"] = (["channels_last", "compile"], tuned)
    if library:
        settings[name] = ([], tuned)
    variables = {f"{name}_NUM_THREADS": str(threads) for name in ("OMP", "MKL")}
    return {
        name: Worker([sys.executable, TORCH, *arguments], **variables, **environment)
        for name, (arguments, environment) in settings.items()
    }


def duel(workers, task):
    """Wall seconds of ours and of the best peer, its name, and the median ratios of wall and processor time."""
    calls = {}
    for name, worker in workers.items():
        worker.ask(f"3 {task}")  # the first calls compile, and fill the allocators
        calls[name] = max(1, int(SECONDS / worker.ask(f"1 {task}")[0]))
    rounds = [{name: workers[name].ask(f"{count} {task}") for name, count in calls.items()} for _ in range(ROUNDS)]
    wall = {name: statistics.median(times[name][0] for times in rounds) for name in calls}
    best = min(wall.keys() - {"ours"}, key=wall.get)
    ratios = [statistics.median(times["ours"][clock] / times[best][clock] for times in rounds) for clock in (0, 1)]
    return wall["ours"], wall[best], best, *ratios


def main():
    wanted = [name for name in TASKS if not sys.argv[1:] or any(word in name for word in sys.argv[1:])]
    print("Written by `scripts/peers/train_step.py`: median of", ROUNDS, "alternating rounds, f32.\n")
    print(f"Machine: {platform.machine()}, {os.cpu_count()} cores. torch {importlib.metadata.version('torch')},",
          "tuned allocator:", allocator()[1] or "none", end=".\n")
    binary = build("av-train")
    for threads in range(1, min(2, os.cpu_count()) + 1):
        print(f"\n{threads} thread{'s' * (threads > 1)}\n")
        print("| task | ours, ms | PyTorch, ms | its best | wall ratio | processor ratio |\n|---|---|---|---|---|---|")
        for name in wanted:
            # New processes for each task: what one leaves in an allocator is not the next one's.
            whole = name.startswith(("step", "inference"))
            workers = {"ours": Worker([binary], RAYON_NUM_THREADS=str(threads)), **peers(threads, whole)}
            mine, other, best, wall, processor = duel(workers, TASKS[name])
            print(f"| {name} | {mine * 1e3:.2f} | {other * 1e3:.2f} | {best} | {wall:.2f} | {processor:.2f} |", flush=True)
            for worker in workers.values():
                worker.end()


main()
