#!/usr/bin/env python3
"""Golden values of the sound features of av-features: mel, log-mel, MFCC, deltas and F0 of the tools of the field.

    pip install librosa==0.11.0 torchaudio kaldi-native-fbank blake3
    scripts/goldens/audio.py                    # writes crates/av-features/testdata/spectral.json
    scripts/goldens/audio.py DIR                # and pitch.json, from the 16 kHz wavs of RAVDESS unpacked in DIR

Every tool runs in its own defaults. Its input are doubles: librosa and torchaudio compute in the precision of what they
are given, so the values carry no rounding of their own. How far the tools are from that in their usual floats is printed.
The signals are integers, so that the test makes them again bit for bit.
"""
import json
import pathlib
import sys
import warnings

import blake3
import kaldi_native_fbank
import librosa
import numpy as np
import torch

torch.version.cuda = None  # torchaudio refuses a torch built for another CUDA; here everything runs on the processor
import torchaudio  # noqa: E402
from torchaudio.compliance import kaldi  # noqa: E402

OUT = pathlib.Path(__file__).resolve().parents[2] / "crates/av-features/testdata"
WORD = 2**32
# Every 23rd of the 900 wavs in the order of their names is 40 of them.
PITCH_EVERY = 23
PITCH = dict(fmin=65.0, fmax=500.0, sr=16_000)


def signal(count, silent):
    """A rising sawtooth with some noise as 16-bit integers; with `silent`, zeros in the middle third."""
    phase, noise, samples = 0, 1, []
    for i in range(count):
        phase = (phase + 20_000_000 + 12_000 * i) % WORD
        noise = (noise * 1_664_525 + 1_013_904_223) % WORD
        signed = [word - WORD if word >= WORD // 2 else word for word in (phase, noise)]
        quiet = silent and count // 3 <= i < 2 * count // 3
        samples.append(0 if quiet else (signed[0] >> 18) + (signed[1] >> 23))
    return np.array(samples, dtype=np.int16)


# Settings of nobody's defaults: an odd window inside of a longer transform, and a part of the band.
OWN = dict(n_fft=512, win_length=401, hop_length=160, n_mels=40)

SIGNALS = {"odd": (10_007, False), "silence": (9_001, True), "short": (301, False)}


def rows(values, digits):
    """A matrix of frames as rows of numbers with `digits` significant digits."""
    return [[float(f"{value:.{digits}g}") for value in row] for row in np.asarray(values, np.float64)]


def of_librosa(samples, dtype=np.float64):
    y = samples.astype(dtype) / dtype(32_768)
    mel = librosa.feature.melspectrogram(y=y)
    mfcc = librosa.feature.mfcc(y=y)
    own = librosa.feature.melspectrogram(y=y, fmin=20, fmax=7600, **OWN)
    out = dict(mel=mel, mel_own=own, log_mel=librosa.power_to_db(mel), mfcc=mfcc)
    if mfcc.shape[1] >= 9:  # the width of its deltas
        out |= dict(delta=librosa.feature.delta(mfcc), delta2=librosa.feature.delta(mfcc, order=2))
    return {name: value.T for name, value in out.items()}


def of_torchaudio(samples, dtype=torch.float64):
    torch.set_default_dtype(dtype)
    y = torch.tensor(samples.astype(np.float64) / 32_768, dtype=dtype)
    mel = torchaudio.transforms.MelSpectrogram()(y)
    mfcc = torchaudio.transforms.MFCC()(y)
    delta = torchaudio.functional.compute_deltas(mfcc)
    out = dict(
        mel=mel,
        mel_own=torchaudio.transforms.MelSpectrogram(f_min=20, f_max=7600, **OWN)(y),
        log_mel=torchaudio.transforms.AmplitudeToDB("power", top_db=80.0)(mel),
        mfcc=mfcc,
        mfcc_of_log=torchaudio.transforms.MFCC(log_mels=True)(y),
        delta=delta,
        delta2=torchaudio.functional.compute_deltas(delta),
    )
    return {name: value.T.numpy() for name, value in out.items()}


def of_kaldi(samples, dtype=torch.float64):
    torch.set_default_dtype(dtype)
    y = torch.tensor(samples.astype(np.float64), dtype=dtype)[None]
    if y.shape[1] < 400:  # no frame
        return {}
    return dict(
        mel=kaldi.fbank(y, use_log_fbank=False).numpy(),
        log_mel=kaldi.fbank(y).numpy(),
        log_mel_80=kaldi.fbank(y, num_mel_bins=80).numpy(),
        mfcc=kaldi.mfcc(y).numpy(),
    )


def native_fbank(samples):
    """Kaldi's own arithmetic, in floats."""
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither = 0.0
    options.mel_opts.num_bins = 23
    online = kaldi_native_fbank.OnlineFbank(options)
    online.accept_waveform(16_000, samples.astype(np.float32).tolist())
    online.input_finished()
    return np.array([online.get_frame(t) for t in range(online.num_frames_ready)])


def spectral():
    document = {}
    for name, (count, silent) in SIGNALS.items():
        samples = signal(count, silent)
        tools = dict(librosa=of_librosa(samples), torchaudio=of_torchaudio(samples), kaldi=of_kaldi(samples))
        floats = dict(
            librosa=of_librosa(samples, np.float32),
            torchaudio=of_torchaudio(samples, torch.float32),
            kaldi=of_kaldi(samples, torch.float32),
        )
        if tools["kaldi"]:
            off = np.abs(native_fbank(samples) - tools["kaldi"]["log_mel"]).max()
            print(f"{name}: kaldi-native-fbank is off by {off:.1e} from torchaudio's Kaldi")
        for tool, matrices in tools.items():
            for what, exact in matrices.items():
                off = np.abs(floats[tool][what] - exact).max() / max(np.abs(exact).max(), 1.0)
                print(f"{name} {tool} {what} {exact.shape}: floats are off by {off:.1e} of the largest value or of 1")
        document[name] = dict(
            samples=count,
            silent=silent,
            tools={
                tool: {what: rows(m, 8 if what.startswith("mel") else 7) for what, m in matrices.items()}
                for tool, matrices in tools.items()
            },
        )
    write("spectral", document)


def pitch(folder):
    """F0 in cents above 65 Hz, -1 where librosa.pyin calls a frame unvoiced."""
    clips = []
    for path in sorted(folder.glob("**/*.wav"))[::PITCH_EVERY]:
        y, _ = librosa.load(path, sr=None)
        hz, voiced, _ = librosa.pyin(y, **PITCH)
        cents = [round(1200 * np.log2(f / PITCH["fmin"])) if v else -1 for f, v in zip(hz, voiced)]
        clips.append(dict(name=path.name, blake3=blake3.blake3(path.read_bytes()).hexdigest(), cents=cents))
        print(path.name, len(cents), "frames,", int(voiced.sum()), "voiced")
    source = "librosa.pyin on RAVDESS (S. R. Livingstone and F. A. Russo, 2018, CC BY-NC-SA 4.0)"
    write("pitch", dict(source=source, **PITCH, frame=2048, hop=512, clips=clips))


def write(name, document):
    text = json.dumps(document, separators=(",", ":")).replace("],[", "],\n[").replace('{"name"', '\n{"name"')
    path = OUT / f"{name}.json"
    path.write_text(text + "\n")
    print(path.name, path.stat().st_size, "bytes")


if __name__ == "__main__":
    warnings.filterwarnings("ignore", message=".*mel filter.*|.*n_fft=.*")
    OUT.mkdir(exist_ok=True)
    spectral()
    if len(sys.argv) > 1:
        pitch(pathlib.Path(sys.argv[1]))
