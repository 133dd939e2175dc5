"""The maximal correlation of the noisy parabola of the truth table, by quadrature of its joint density.

y = x^2 + 0.2 n with x uniform on -1 to 1 and n standard normal. Run: python3 scripts/goldens/hgr_truth.py (numpy).
"""

import numpy

NOISE = 0.2


def maximal_correlation(nodes):
    x, wx = numpy.polynomial.legendre.leggauss(nodes)
    y, wy = numpy.polynomial.legendre.leggauss(nodes)
    low, high = -8 * NOISE, 1 + 8 * NOISE
    y, wy = (high + low) / 2 + (high - low) / 2 * y, (high - low) / 2 * wy
    density = numpy.exp(-0.5 * ((y - x[:, None] ** 2) / NOISE) ** 2)
    joint = density * wx[:, None] * wy
    joint /= joint.sum()
    px, py = joint.sum(1), joint.sum(0)
    kernel = (joint - numpy.outer(px, py)) / numpy.sqrt(numpy.outer(px, py))
    return numpy.linalg.svd(kernel, compute_uv=False)[0]


for nodes in (50, 100, 200, 400):
    print(nodes, f"{maximal_correlation(nodes):.12f}")
