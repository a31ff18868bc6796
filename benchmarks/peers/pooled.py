"""The two parties' files joined in the clear, as every peer reads them: imputed, standardised and clipped as a job does.

Nobody in a job could do this. It is what the secure runs are compared with.
"""

import csv
from typing import NamedTuple

import numpy as np

CLIP = 8.0  # standard deviations, as a job's default
MISSING = {"", "NA", "null"}


class Pooled(NamedTuple):
    """x is rows × columns, the bank's columns first; y is 0 or 1."""

    x: np.ndarray
    y: np.ndarray
    guest_columns: int


class Parts(NamedTuple):
    """Standardised by the training rows."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def load(guest: str, host: str, key: str, label: str, without: list[str]) -> Pooled:
    """Joins on key, in the order of the guest's file. Columns named in without are no features."""
    mine, my_columns = _read(guest, key)
    theirs, their_columns = _read(host, key)
    a = [c for c in my_columns if c not in (key, label, *without)]
    b = [c for c in their_columns if c not in (key, *without)]
    common = [k for k in mine if k in theirs]
    x = np.array([[_number(mine[k][c]) for c in a] + [_number(theirs[k][c]) for c in b] for k in common])
    y = np.array([int(float(mine[k][label])) for k in common])
    return Pooled(x, y, len(a))


def standardise(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean for what is missing, z-scores by the training rows, clipped."""
    mean = np.nanmean(train, axis=0)
    train, test = (np.where(np.isnan(x), mean, x) for x in (train, test))
    sd = train.std(axis=0)
    return tuple(np.clip((x - mean) / sd, -CLIP, CLIP) for x in (train, test))


def ks(y: np.ndarray, score: np.ndarray) -> float:
    """Largest distance between the two classes' score distributions; equal scores move together."""
    levels = np.unique(score)
    share = [np.searchsorted(np.sort(score[y == c]), levels, side="right") / max(1, (y == c).sum()) for c in (0, 1)]
    return float(np.abs(share[0] - share[1]).max())


def _read(path: str, key: str) -> tuple[dict[str, dict[str, str]], list[str]]:
    with open(path, newline="") as f:
        rows = csv.DictReader(f)
        return {r[key]: r for r in rows}, list(rows.fieldnames or [])


def _number(cell: str) -> float:
    return float("nan") if cell in MISSING else float(cell)
