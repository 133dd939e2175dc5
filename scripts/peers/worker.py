"""A process that answers tasks, one line each: ours built by cargo, or a peer's in Python."""

import json
import os
import subprocess


def hold(threads):
    """Holds this process, and all that it starts, to the last cores, as many as threads.

    On a shared machine one core may be much slower than the next, and not the same one for long: both sides of a
    comparison take turns on the same.
    """
    if hasattr(os, "sched_setaffinity"):  # Linux alone has it
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


class Worker:
    """One process for a whole run; what it prints for a line is its answer, in numbers."""

    def __init__(self, command, threads=1, **environment):
        pipe = subprocess.PIPE
        environment = dict(os.environ, **environment)
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, text=True, env=environment, preexec_fn=lambda: hold(threads)
        )

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.process.args} ended at the task: {line}")
        return [float(word) for word in answer.split()]

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def build(package):
    """The path of benches/peer of a package, built anew."""
    line = f"cargo bench --locked -p {package} --bench peer --no-run --message-format json"
    messages = subprocess.run(line.split(), check=True, capture_output=True, text=True).stdout.splitlines()
    return next(path for path in (json.loads(text).get("executable") for text in messages) if path)
