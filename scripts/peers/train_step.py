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
# Both sides with no wider instructions than AVX2; ours without any that the portable path lacks.
LEVELS = {
    "AVX2 on both sides": ({"AV_OPS_SIMD": "avx2"}, {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}),
    "ours portable": ({"AV_OPS_SIMD": "portable"}, {}),
}


def allocator():
    """A library to be loaded first, and its name."""
    found = sorted(glob.glob("/usr/lib*/libtcmalloc_minimal.so.*") + glob.glob("/usr/lib/*/libtcmalloc_minimal.so.*"))
    return (found[0], "tcmalloc") if found else (None, None)


def peers(threads, compiled, environment):
    """PyTorch's configurations, each a process of its own."""
    library, name = allocator()
    tuned = {"LD_PRELOAD": library} if library else {}
    settings = {"as installed": ([], {}), "channels_last": (["channels_last"], tuned)}
    if compiled:
        settings["compiled"] = (["channels_last", "compile"], tuned)
    if library:
        settings[name] = ([], tuned)
    environment = {f"{name}_NUM_THREADS": str(threads) for name in ("OMP", "MKL")} | environment
    return {
        name: Worker([sys.executable, TORCH, *arguments], **environment, **own)
        for name, (arguments, own) in settings.items()
    }


def timed(worker, count, task):
    """Seconds of a call. One before them is not counted: meanwhile others had the caches, and allocators gave memory back."""
    worker.ask(f"1 {task}")
    return worker.ask(f"{count} {task}")


class Duel:
    """One task, ours and PyTorch's in turns: median seconds, ratios to PyTorch's best, and memory."""

    def __init__(self, binary, task, threads, level=({}, {})):
        # New processes for each task: what one leaves in an allocator is not the next one's.
        # torch.compile's own code ends in an error where PyTorch is held to AVX2.
        compiled = task.startswith(("step", "inference")) and not level[1]
        workers = {"ours": Worker([binary], RAYON_NUM_THREADS=str(threads), **level[0])}
        workers |= peers(threads, compiled, level[1])
        before = {name: worker.ask("memory")[0] for name, worker in workers.items()}
        calls = {}
        for name, worker in workers.items():
            worker.ask(f"3 {task}")  # the first calls compile, and fill the allocators
            calls[name] = max(1, int(SECONDS / worker.ask(f"1 {task}")[0]))
        rounds = [{name: timed(workers[name], count, task) for name, count in calls.items()} for _ in range(ROUNDS)]
        wall = {name: statistics.median(times[name][0] for times in rounds) for name in calls}
        self.best = min(wall.keys() - {"ours"}, key=wall.get)
        self.ours, self.theirs = wall["ours"], wall[self.best]
        self.wall, self.processor = (
            statistics.median(times["ours"][clock] / times[self.best][clock] for times in rounds) for clock in (0, 1)
        )
        # What the task took: the peak less what the process had after its start.
        self.memory = {name: worker.ask("memory")[0] - before[name] for name, worker in workers.items()}
        for worker in workers.values():
            worker.end()

    def row(self, name):
        milliseconds = f"{self.ours * 1e3:.2f} | {self.theirs * 1e3:.2f}"
        return f"| {name} | {milliseconds} | {self.best} | {self.wall:.2f} | {self.processor:.2f} |"


def main():
    wanted = [name for name in TASKS if not sys.argv[1:] or any(word in name for word in sys.argv[1:])]
    print("Written by `scripts/peers/train_step.py`: median of", ROUNDS, "alternating rounds, f32.\n")
    print(f"Machine: {platform.machine()}, {os.cpu_count()} cores. torch {importlib.metadata.version('torch')},",
          "tuned allocator:", allocator()[1] or "none", end=".\n")
    binary = build("av-train")
    head = "\n| task | ours, ms | PyTorch, ms | its best | wall ratio | processor ratio |\n|---|---|---|---|---|---|"
    steps = []
    for threads in range(1, min(2, os.cpu_count()) + 1):
        print(f"\n## {threads} thread{'s' * (threads > 1)}", head, sep="\n")
        for name in wanted:
            duel = Duel(binary, TASKS[name], threads)
            print(duel.row(name), flush=True)
            if name == STEP:
                steps.append(duel)
        if STEP in wanted:
            for name, level in LEVELS.items():
                print(Duel(binary, TASKS[STEP], threads, level).row(f"{STEP}, {name}"), flush=True)
    if steps:
        ours, peers = steps[0].memory["ours"], {name: mb for name, mb in steps[0].memory.items() if name != "ours"}
        best = min(peers, key=peers.get)
        print(f"\nPeak memory of the step with one thread, above that of the process at its start: ours {ours:.0f} MB, "
              f"PyTorch's least {peers[best]:.0f} MB ({best}), its fastest {peers[steps[0].best]:.0f} MB.")
        print(f"The step on 2 threads is {steps[0].ours / steps[-1].ours:.2f} times as fast as on 1; "
              f"PyTorch's is {steps[0].theirs / steps[-1].theirs:.2f} times.")


main()
