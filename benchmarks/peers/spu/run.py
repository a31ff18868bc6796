"""Logistic regression between two SPU processes on loopback: the nearest published system of the same trust model.

Prints one JSON object, in the last line. The clock runs while SPU computes: inputs are shared and the program compiled
before. What an iteration costs is the difference between a longer and a shorter training, so that SPU's setup is no part.
"""

import importlib.metadata
import json
import pathlib
import sys

import numpy as np

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
import party  # noqa: E402
import pooled  # noqa: E402

TEST, SEED = 0.2, 42
PENALTY = 1.0  # a job's default lambda


def main() -> None:
    parser = pooled.arguments(__doc__)
    parser.add_argument("--short", type=int, default=1, help="iterations of the shorter training")
    parser.add_argument("--long", type=int, default=3, help="iterations of the longer training")
    a = parser.parse_args()
    if not 0 < a.short < a.long:
        parser.error("--short must be at least 1 and less than --long")
    data = pooled.load(a)
    rows = np.random.default_rng(SEED).permutation(len(data.y))[round(TEST * len(data.y)):]
    (x,) = pooled.standardise(data.x[rows])
    y, scale = data.y[rows], 2.0 ** -round(np.log2(len(rows)) / 4)
    sides = np.split(x * scale, [data.guest_columns], axis=1)
    trained = {}
    for n in (a.short, a.long):
        problem = party.Problem(len(y), tuple(s.shape[1] for s in sides), scale, PENALTY, step(x), n)
        trained[n] = party.train(problem, *sides, y)
    short, long = trained[a.short], trained[a.long]
    twin = party.descent(problem, *sides, y, np)
    print("\n" + json.dumps({
        "peer": "SecretFlow SPU, Cheetah, FM64, t1 sigmoid, SoftSpoken OT",
        "version": importlib.metadata.version("spu"),
        "rows_train": len(y),
        "cols": x.shape[1],
        "iterations": [a.short, a.long],
        "seconds": [short.seconds, long.seconds],
        "cpu_seconds": [short.cpu_seconds, long.cpu_seconds],
        "seconds_per_iteration": (long.seconds - short.seconds) / (a.long - a.short),
        "cpu_seconds_per_iteration": (long.cpu_seconds - short.cpu_seconds) / (a.long - a.short),
        "peak_rss_bytes": long.peak_rss_bytes,
        "weight_error": float(scale * np.abs(long.weights - twin).max()),
    }), flush=True)


def step(x: np.ndarray) -> float:
    """The largest safe step, from the pooled features: two parties would have to compute or guess it."""
    z = np.hstack([x, np.ones((len(x), 1))])
    return float(4 / np.linalg.eigvalsh(z.T @ z / len(x))[-1])


if __name__ == "__main__":
    main()
