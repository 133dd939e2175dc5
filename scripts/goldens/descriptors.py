#!/usr/bin/env python3
"""Golden values of av_features::descriptors from librosa 0.11 (pip install librosa==0.11.0).

The sound is made of integers and is the same as `integer_voice` of crates/av-features/tests/support.
"""
import json
import os

import librosa
import numpy as np

PLACE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../crates/av-features/testdata/descriptors.json')


def integer_voice(count):
    phase, state, samples = 0, 1, []
    for i in range(count):
        glide = i % 8000
        phase = (phase + 480_000 + 72 * min(glide, 8000 - glide)) % 2**26
        state = (state * 1_664_525 + 1_013_904_223) % 2**32
        tooth = (phase >> 11) - 2**14
        swell = min(i % 4000, 1000) if i % 6000 < 4000 else 0
        noise = (state >> 22) - 512
        # Division towards zero, as in Rust.
        samples.append(int(tooth * swell / 2000) + int(noise / 8))
    return np.array(samples) / 32768.0


def case(samples, rate, window, hop, roll_off, octaves):
    y = integer_voice(samples)
    assert y.dtype == np.float64
    spectrum = dict(n_fft=window, hop_length=hop)
    frame = dict(frame_length=window, hop_length=hop)
    f = librosa.feature
    columns = dict(
        centroid_hz=f.spectral_centroid(y=y, sr=rate, **spectrum)[0],
        bandwidth_hz=f.spectral_bandwidth(y=y, sr=rate, **spectrum)[0],
        rolloff_hz=f.spectral_rolloff(y=y, sr=rate, roll_percent=roll_off, **spectrum)[0],
        flatness=f.spectral_flatness(y=y, **spectrum)[0],
        zero_crossing_rate=f.zero_crossing_rate(y, **frame)[0],
        rms=f.rms(y=y, dtype=np.float64, **frame)[0],
        contrast_db=f.spectral_contrast(y=y, sr=rate, n_bands=octaves, **spectrum).T,
    )
    settings = dict(sample_rate_hz=rate, window=window, hop=hop, roll_off=roll_off, octaves=octaves)
    # Nine digits: a tenth of the tolerance of the test at most.
    values = {name: np.vectorize(lambda v: float(f'{v:.9g}'))(column).tolist() for name, column in columns.items()}
    return dict(samples=samples, settings=settings, values=values)


assert librosa.__version__.startswith('0.11.'), librosa.__version__
cases = [case(16_000, 16_000, 2048, 512, 0.85, 6), case(7777, 22_050, 1024, 441, 0.5, 4)]
with open(PLACE, 'w') as file:
    json.dump(cases, file, indent=1)
    file.write('\n')
