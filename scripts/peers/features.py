"""av-features against its peers, in alternation in one run on one thread; prints ratios, ours by theirs.

Needs scripts/peers/features.txt: pip install -r scripts/peers/features.txt
Run: python3 scripts/peers/features.py --clips FOLDER --video CLIP.mp4
FOLDER holds clips with a talking face, the first hundred by name are extracted; CLIP is a video of 1280 x 720 in H.264.
Names after that (log_mel, resample, frames, extract) measure only those parts; sound alone needs neither option.
"""

import argparse
import importlib.metadata
import os
import platform
import statistics
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

for name in ("OMP", "MKL", "OPENBLAS", "NUMBA", "RAYON"):
    os.environ[f"{name}_NUM_THREADS"] = "1"

import av
import cv2
import decord
import librosa
import numpy
import soxr
import torch

torch.version.cuda = None  # torchaudio refuses a torch built for another CUDA; here everything runs on the processor
import torchaudio
from worker import Worker, build, hold

ROUNDS = 7
SIDE = 224
PACKAGES = ("librosa", "torchaudio", "soxr", "av", "opencv-python-headless", "decord")
SIZES = {"n_fft": 400, "win_length": 400, "hop_length": 160, "n_mels": 64}
torch.set_num_threads(1)
cv2.setNumThreads(1)
av.logging.set_level(av.logging.PANIC)
warnings.filterwarnings("ignore")


def seconds(call, calls, value=float):
    """Seconds of a call, and a value of what it gave, which does not count."""
    start = time.perf_counter()
    for _ in range(calls):
        result = call()
    return (time.perf_counter() - start) / calls, float(value(result))


def duel(ours, theirs):
    """Median over rounds of ours by theirs, each measured right after the other, and what both computed."""
    ours(), theirs()
    rounds = [(ours(), theirs()) for _ in range(ROUNDS)]
    ratio = statistics.median(mine[0] / other[0] for mine, other in rounds)
    mine, other = (statistics.median(turn[side][0] for turn in rounds) for side in (0, 1))
    return ratio, mine, other, rounds[0][0][1], rounds[0][1][1]


def report(task, peer, result):
    ratio, mine, other, a, b = result
    line = f"| {task} | {peer} | {mine * 1e3:.3f} | {other * 1e3:.3f} | {ratio:.3f} | {1 / ratio:.1f} |"
    print(f"{line} {a:.4f} | {b:.4f} |", flush=True)


def log_mels(ours, folder, draw):
    """Three seconds, as long as a spoken sentence."""
    samples = (0.1 * draw.normal(size=48_000)).astype("f4")
    path = os.path.join(folder, "log_mel")
    samples.tofile(path)
    sound = torch.from_numpy(samples)
    mel = torchaudio.transforms.MelSpectrogram(16_000, **SIZES)
    decibel = torchaudio.transforms.AmplitudeToDB(top_db=80)

    def with_torchaudio():
        log = decibel(mel(sound))
        first = torchaudio.functional.compute_deltas(log)
        return log, first, torchaudio.functional.compute_deltas(first)

    def with_librosa():
        log = librosa.power_to_db(librosa.feature.melspectrogram(y=samples, sr=16_000, **SIZES))
        return log, librosa.feature.delta(log), librosa.feature.delta(log, order=2)

    filters = librosa.filters.mel(sr=16_000, n_fft=SIZES["n_fft"], n_mels=SIZES["n_mels"])
    sizes = {name: size for name, size in SIZES.items() if name != "n_mels"}

    def by_parts():
        log = librosa.power_to_db(filters @ numpy.abs(librosa.stft(samples, **sizes)) ** 2)
        return log, librosa.feature.delta(log), librosa.feature.delta(log, order=2)

    peers = {"torchaudio": with_torchaudio, "librosa": with_librosa, "librosa, filters kept": by_parts}
    for name, theirs in peers.items():
        mine = lambda: ours.ask(f"50 log_mel {name.split(',')[0]} {path}")
        value = lambda parts: sum(part.mean() for part in parts)
        report("log-mel and two deltas, 3 s", name, duel(mine, lambda: seconds(theirs, 10, value)))


def resampling(ours, folder, draw):
    samples = (0.1 * draw.normal(size=480_000)).astype("f4")
    path = os.path.join(folder, "resample")
    samples.tofile(path)
    sound = torch.from_numpy(samples)
    level = lambda samples: (samples**2).mean() ** 0.5
    peers = {
        "soxr HQ": lambda: soxr.resample(samples, 48_000, 16_000, "HQ"),
        "torchaudio, as installed": lambda: torchaudio.functional.resample(sound, 48_000, 16_000),
    }
    for name, theirs in peers.items():
        report("48 to 16 kHz, 10 s", name, duel(lambda: ours.ask(f"20 resample {path}"), lambda: seconds(theirs, 20, level)))


def with_pyav(path):
    """Mean over all frames at 224 x 224, each pixel the mean of the area that it covers."""
    levels = []
    with av.open(path) as container:
        container.streams.video[0].thread_type = "NONE"
        for frame in container.decode(video=0):
            frame = frame.reformat(SIDE, SIDE, "rgb24", interpolation="AREA")
            levels.append(frame.to_ndarray().mean())
    return numpy.mean(levels)


def with_opencv(path):
    levels = []
    capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    while (read := capture.read())[0]:
        frame = cv2.resize(read[1], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        levels.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB).mean())
    return numpy.mean(levels)


def with_decord(path):
    """Its filter is not one of areas: it has no other."""
    reader = decord.VideoReader(path, width=SIDE, height=SIDE, num_threads=1)
    return numpy.mean([frame.asnumpy().mean() for frame in reader])


def decoding(ours, folder, video):
    """One clip in three containers and codecs."""
    made = {"avi, MPEG-4": (["-c:v", "mpeg4", "-q:v", "4"], "avi"), "flv, Sorenson": (["-c:v", "flv", "-q:v", "4"], "flv")}
    files = {"mp4, H.264": video}
    for name, (codec, extension) in made.items():
        files[name] = os.path.join(folder, f"clip.{extension}")
        subprocess.run(["ffmpeg", "-v", "error", "-i", video, *codec, "-an", files[name]], check=True)
    for name, path in files.items():
        for peer, theirs in (("PyAV", with_pyav), ("OpenCV", with_opencv), ("decord", with_decord)):
            result = duel(lambda: ours.ask(f"1 frames {path}"), lambda: seconds(lambda: theirs(path), 1))
            report(f"frames at {SIDE} x {SIDE}, {name}", peer, result)


def python_pipeline(paths):
    """What people write: PyAV for sound and frames, the frontal Haar cascade of OpenCV, librosa. As many segments and as
    many looks at the picture as ours."""
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    count = 0
    for path in paths:
        with av.open(path) as container:
            container.streams.video[0].thread_type = "NONE"
            pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        with av.open(path) as container:
            resampler = av.AudioResampler("flt", "mono", 16_000)
            sound = [part.to_ndarray() for frame in container.decode(audio=0) for part in resampler.resample(frame)]
        samples = numpy.concatenate([part.ravel() for part in sound])
        boxes = []
        for picture in pictures[::5]:
            grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
            scale = 427 / max(grey.shape)
            small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            found = cascade.detectMultiScale(small, 1.1, 5)
            boxes.append((found[0] / scale).astype(int) if len(found) else None)
        for segment in range(30):
            index = min(int((segment + 0.5) / 30 * len(pictures)), len(pictures) - 1)
            box = boxes[min(index // 5, len(boxes) - 1)]
            x, y, width, height = box if box is not None else (0, 0, *pictures[index].shape[1::-1])
            cv2.resize(pictures[index][y : y + height, x : x + width], (64, 64), interpolation=cv2.INTER_AREA)
            count += 1
        log = librosa.power_to_db(librosa.feature.melspectrogram(y=samples, sr=16_000, **SIZES))
        log = numpy.stack([log, librosa.feature.delta(log), librosa.feature.delta(log, order=2)])
        for segment in range(30):
            start = int((segment + 0.5) / 30 * log.shape[2]) - 32
            numpy.take(log, range(start, start + 64), axis=2, mode="clip")
            count += 1
    return count


def extraction(ours, folder, clips):
    paths = sorted(str(path.resolve()) for path in Path(clips).iterdir() if path.suffix in (".mp4", ".avi", ".mpg"))[:100]
    path = os.path.join(folder, "clips")
    Path(path).write_text("\n".join(paths))
    mine, theirs = ours.ask(f"1 extract {path}"), seconds(lambda: python_pipeline(paths), 1)
    result = mine[0] / theirs[0], mine[0], theirs[0], mine[1], theirs[1]
    report(f"log-mel and faces of {len(paths)} clips", "PyAV, OpenCV, librosa", result)
    print(f"\nClips per second: ours {len(paths) / mine[0]:.1f}, theirs {len(paths) / theirs[0]:.1f}.")


def main():
    parts = {
        "log_mel": log_mels,
        "resample": resampling,
        "frames": lambda *setting: decoding(*setting[:2], os.path.abspath(arguments.video)),
        "extract": lambda *setting: extraction(*setting[:2], arguments.clips),
    }
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--clips")
    arguments.add_argument("--video")
    arguments.add_argument("parts", nargs="*", help=f"of {', '.join(parts)}; by default all")
    parser, arguments = arguments, arguments.parse_args()
    chosen = arguments.parts or list(parts)
    for needs, option in (("extract", "clips"), ("frames", "video")):
        if needs in chosen and not getattr(arguments, option):
            parser.error(f"{needs} needs --{option}")
    if unknown := set(chosen) - set(parts):
        parser.error(f"no such part: {', '.join(unknown)}")
    print("# Features beside librosa, torchaudio, PyAV, OpenCV and decord\n")
    print("Written by `scripts/peers/features.py`: one thread each, median of", ROUNDS, "alternating rounds (one of the clips) on one core.")
    print("Log-mel spectrograms are computed in f32 by all; window and filters are kept from call to call by ours and torchaudio's.")
    print("librosa's function makes them anew; \"filters kept\" is its transform and filters that were made once.\n")
    print(f"Machine: {platform.machine()}, {os.cpu_count()} cores. Peers:",
          ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES), end=".\n")
    print("\n| task | peer | ours, ms | peer, ms | ratio | times as fast | our value | peer's value |")
    print("|---|---|---|---|---|---|---|---|")
    ours = Worker([build("av-features")])
    hold(1)
    with tempfile.TemporaryDirectory() as folder:
        draw = numpy.random.default_rng(1)
        for part in chosen:
            parts[part](ours, folder, draw)


main()
