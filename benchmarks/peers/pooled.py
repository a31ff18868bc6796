"""The two parties' files joined in the clear, as every peer reads them: imputed, standardised and clipped as a job does.

Nobody in a job could do this. It is what the secure runs are compared with.
"""

import argparse
import csv
from typing import NamedTuple

import numpy as np

CLIP = 8.0  # standard deviations, as a job's default
MISSING = {"", "NA", "null"}


class Pooled(NamedTuple):
    """x is rows × columns, NaN where missing, the guest's columns first; y is 0 or 1."""

    x: np.ndarray
    y: np.ndarray
    guest_columns: int


def arguments(about: str) -> argparse.ArgumentParser:
    """What every peer is told."""
    p = argparse.ArgumentParser(description=about)
    p.add_argument("--guest", required=True, help="the file with keys, label and features")
    p.add_argument("--host", required=True, help="the file with keys and features")
    p.add_argument("--id", required=True, help="the key column of both files")
    p.add_argument("--label", required=True, help="the 0/1 column of the guest's file")
    p.add_argument("--without", action="append", default=[], help="a column that is no feature; may be repeated")
    return p


def load(a: argparse.Namespace) -> Pooled:
    """Joins on the key, in the order of the guest's file."""
    mine, my_columns = _read(a.guest, a.id)
    theirs, their_columns = _read(a.host, a.id)
    own = [c for c in my_columns if c not in (a.id, a.label, *a.without)]
    other = [c for c in their_columns if c not in (a.id, *a.without)]
    common = [k for k in mine if k in theirs]
    x = np.array([[_number(mine[k][c]) for c in own] + [_number(theirs[k][c]) for c in other] for k in common])
    return Pooled(x, np.array([int(float(mine[k][a.label])) for k in common]), len(own))


def standardise(train: np.ndarray, *others: np.ndarray) -> list[np.ndarray]:
    """Mean for what is missing, z-scores by the training rows, clipped."""
    mean = np.nanmean(train, axis=0)
    filled = [np.where(np.isnan(x), mean, x) for x in (train, *others)]
    sd = filled[0].std(axis=0)
    return [np.clip((x - mean) / sd, -CLIP, CLIP) for x in filled]


def ks(y: np.ndarray, score: np.ndarray) -> float:
    """The largest distance between the two classes' distributions of scores; equal scores move together."""
    levels = np.unique(score)
    share = [np.searchsorted(np.sort(score[y == c]), levels, side="right") / max(1, (y == c).sum()) for c in (0, 1)]
    return float(np.abs(share[0] - share[1]).max())


def _read(path: str, key: str) -> tuple[dict[str, dict[str, str]], list[str]]:
    with open(path, newline="") as f:
        rows = csv.DictReader(f)
        return {r[key]: r for r in rows}, list(rows.fieldnames or [])


def _number(cell: str) -> float:
    return float("nan") if cell in MISSING else float(cell)
