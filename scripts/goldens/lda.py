#!/usr/bin/env python3
"""Golden values of the discriminant of av-train: scikit-learn's with a given shrinkage, and its shrinkage of Ledoit and Wolf.

    pip install scikit-learn==1.9.1 numpy
    scripts/goldens/lda.py                     # writes crates/av-train/testdata/lda.json
"""
import json
import pathlib

import numpy as np
import sklearn
from sklearn.covariance import ledoit_wolf
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

OUT = pathlib.Path(__file__).resolve().parents[2] / "crates/av-train/testdata/lda.json"
assert sklearn.__version__ == "1.9.1", sklearn.__version__


def case(seed, clips, columns, classes, shrinkage):
    draw = np.random.RandomState(seed)
    labels = np.concatenate([np.arange(classes), draw.randint(classes, size=clips - classes)])
    means = draw.normal(size=(classes, columns))
    mixed = draw.normal(size=(columns, columns)) / np.sqrt(columns)
    rows = np.round(means[labels] + draw.normal(size=(clips, columns)) @ mixed, 3)
    centred = rows - np.stack([rows[labels == label].mean(axis=0) for label in labels])
    _, used = ledoit_wolf(centred, assume_centered=True) if shrinkage is None else (None, shrinkage)
    fitted = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=used).fit(rows, labels)
    # Of two classes scikit-learn keeps the difference alone.
    assert classes > 2
    return dict(
        rows=rows.ravel().tolist(), labels=labels.tolist(), classes=classes, shrinkage=shrinkage,
        weight=fitted.coef_.ravel().tolist(), bias=fitted.intercept_.tolist(),
    )


golden = [case(1, 40, 6, 4, 0.3), case(2, 25, 9, 3, None), case(3, 12, 20, 3, None), case(4, 30, 1, 5, 1.0)]
with open(OUT, "w") as file:
    json.dump(golden, file, separators=(",", ":"))
    file.write("\n")
