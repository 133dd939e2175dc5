#!/usr/bin/env python3
"""Golden values of av-eval: scores, quantiles and tests of scikit-learn and SciPy, CCC and ECE by formulas in NumPy.

    pip install scikit-learn==1.9.1 scipy==1.17.1 numpy
    scripts/goldens/eval.py                     # writes crates/av-eval/testdata/golden.json

Inputs are stored with the values, so the test makes none. All are made of integers by one linear congruential generator.
"""
import json
import pathlib

import numpy as np
import scipy
import sklearn
from scipy import stats
from sklearn import metrics

OUT = pathlib.Path(__file__).resolve().parents[2] / "crates/av-eval/testdata/golden.json"
STATE = 20260801


def draw(count, below):
    """So many integers in [0, below)."""
    global STATE
    values = []
    for _ in range(count):
        STATE = (6364136223846793005 * STATE + 1442695040888963407) % 2**64
        values.append((STATE >> 33) % below)
    return np.array(values)


def equal_mass_ece(confidence, right, bins):
    """Of confidences without ties, where the bins divide the clips."""
    order = np.argsort(confidence)
    assert len(set(confidence)) == len(confidence) and len(order) % bins == 0
    gaps = [abs(np.mean(right[part]) - np.mean(confidence[part])) for part in np.split(order, bins)]
    return float(np.mean(gaps))


def classes_case(clips, classes, bins, missing=None, gain=5000):
    """Probabilities of clips, better than chance by `gain`; the class `missing` is never true."""
    truth = draw(clips, classes)
    if missing is not None:
        truth[truth == missing] = (missing + 1) % classes
    weights = 1.0 + draw(clips * classes, 9973).reshape(clips, classes)
    weights[np.arange(clips), truth] += gain
    rows = weights / weights.sum(axis=1, keepdims=True)
    decided = rows.argmax(axis=1)
    labels = list(range(classes))
    shared = dict(labels=labels, zero_division=np.nan)
    occurring = sorted(set(truth) | set(decided))
    return dict(
        classes=classes, truth=truth.tolist(), probabilities=rows.ravel().tolist(), bins=bins,
        confusion=metrics.confusion_matrix(truth, decided, labels=labels).tolist(),
        recalls=nothing_for_nan(metrics.recall_score(truth, decided, average=None, **shared)),
        precisions=nothing_for_nan(metrics.precision_score(truth, decided, average=None, **shared)),
        scores=dict(
            uar=metrics.balanced_accuracy_score(truth, decided),
            accuracy=metrics.accuracy_score(truth, decided),
            macro_f1=metrics.f1_score(truth, decided, labels=occurring, average="macro", zero_division=0),
            weighted_f1=metrics.f1_score(truth, decided, labels=occurring, average="weighted", zero_division=0),
            log_loss=metrics.log_loss(truth, rows, labels=labels),
            brier=metrics.brier_score_loss(truth, rows, labels=labels, scale_by_half=False),
        ),
        ece=equal_mass_ece(rows.max(axis=1), decided == truth, bins),
        temperature=best_temperature(rows, truth),
    )


def best_temperature(rows, truth):
    """By SciPy's bounded minimisation; good to about half of the digits, as every search by values is."""
    def loss(log_temperature):
        powers = rows ** np.exp(-log_temperature)
        return -np.mean(np.log((powers / powers.sum(axis=1, keepdims=True))[np.arange(len(truth)), truth]))
    found = scipy.optimize.minimize_scalar(loss, bounds=(-3, 3), method="bounded", options=dict(xatol=1e-12))
    return float(np.exp(found.x))


def nothing_for_nan(values):
    return [None if np.isnan(value) else float(value) for value in values]


def values_case(clips):
    truth = (draw(clips, 2001) - 1000) / 1000
    predicted = 0.6 * truth + (draw(clips, 1001) - 300) / 1000
    (var_x, covariance), (_, var_y) = np.cov(truth, predicted, bias=True)
    offset = truth.mean() - predicted.mean()
    return dict(
        truth=truth.tolist(), predicted=predicted.tolist(),
        ccc=float(2 * covariance / (var_x + var_y + offset**2)),
        rmse=metrics.root_mean_squared_error(truth, predicted),
        mae=metrics.mean_absolute_error(truth, predicted),
        sd=float(truth.std(ddof=1)), median=float(np.median(truth)),
        quantiles=[[at, float(np.quantile(truth, at))] for at in (0.025, 0.1, 0.6, 0.975)],
    )


def differences_case(count):
    """Without ties or zeros: SciPy's p of the rank test is exact for these alone."""
    values = (draw(count, 100_003) - 30_000) / 100_000
    assert len(set(abs(values))) == count and 0 not in values
    flips = stats.permutation_test((values,), np.sum, permutation_type="samples", n_resamples=np.inf)
    ranks = stats.wilcoxon(values, method="exact")
    # Halves of points: zeros and ties, where only the flips of the signed ranks are exact.
    coarse = np.round(values * 10) / 10
    kept = coarse[coarse != 0]
    signed = np.sign(kept) * stats.rankdata(np.round(abs(kept) * 10))
    tied = stats.permutation_test((signed,), np.sum, permutation_type="samples", n_resamples=np.inf)
    return dict(
        differences=values.tolist(), sign_flips=flips.pvalue, wilcoxon=ranks.pvalue,
        rank_sum=float(stats.rankdata(abs(values))[values > 0].sum()),
        coarse=coarse.tolist(), coarse_wilcoxon=tied.pvalue,
    )


def friedman_case(rows, systems, levels):
    scores = (draw(rows * systems, levels).reshape(rows, systems) + np.arange(systems) * levels // 4) / 64
    found = stats.friedmanchisquare(*scores.T)
    ranks = stats.rankdata(scores, axis=1).mean(axis=0)
    return dict(scores=scores.tolist(), mean_ranks=ranks.tolist(), chi_square=found.statistic, p=found.pvalue)


def interval_case(count, overlap):
    """Nadeau and Bengio's, with SciPy's quantile of Student's t."""
    values = (draw(count, 2001) - 700) / 20_000
    half = stats.t.ppf(0.975, count - 1) * values.std(ddof=1) * np.sqrt(1 / count + overlap)
    return dict(differences=values.tolist(), overlap=overlap, low=values.mean() - half, high=values.mean() + half)


assert sklearn.__version__ == "1.9.1" and scipy.__version__ == "1.17.1", (sklearn.__version__, scipy.__version__)
golden = dict(
    classes=[classes_case(105, 4, 15), classes_case(36, 8, 4, missing=3), classes_case(20, 2, 5, gain=1000)],
    values=[values_case(41), values_case(6)],
    differences=[differences_case(5), differences_case(11), differences_case(16)],
    friedman=[friedman_case(12, 4, 1009), friedman_case(7, 3, 4)],
    intervals=[interval_case(5, 0.25), interval_case(2, 0.1), interval_case(15, 0.0)],
)
with open(OUT, "w") as file:
    json.dump(golden, file, indent=None, separators=(",", ":"))
    file.write("\n")
