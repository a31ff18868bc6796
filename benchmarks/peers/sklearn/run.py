"""The plaintext floor: scikit-learn's logistic regression on the pooled features. Prints one JSON object."""

import json
import pathlib
import statistics
import sys
import time

import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
import pooled  # noqa: E402

TEST, SEED = 0.2, 42
PENALTY = 1.0  # a job's default lambda; scikit-learn's C is its inverse


def main() -> None:
    parser = pooled.arguments(__doc__)
    parser.add_argument("--repeat", type=int, default=5, help="how often to fit")
    a = parser.parse_args()
    data = pooled.load(a)
    x_train, x_test, y_train, y_test = train_test_split(data.x, data.y, test_size=TEST, random_state=SEED, stratify=data.y)
    x_train, x_test = pooled.standardise(x_train, x_test)
    wall, cpu = [], []
    for _ in range(a.repeat):
        model = LogisticRegression(C=1 / PENALTY, max_iter=1000)
        began, used = time.perf_counter(), time.process_time()
        model.fit(x_train, y_train)
        wall.append(time.perf_counter() - began)
        cpu.append(time.process_time() - used)
    score = model.predict_proba(x_test)[:, 1]
    print(json.dumps({
        "peer": "scikit-learn",
        "version": sklearn.__version__,
        "rows_train": len(y_train),
        "rows_test": len(y_test),
        "cols": data.x.shape[1],
        "repeat": a.repeat,
        "iterations": [int(model.n_iter_[0])],
        "fit_seconds": {"min": min(wall), "median": statistics.median(wall)},
        "fit_cpu_seconds": {"min": min(cpu), "median": statistics.median(cpu)},
        "auc": float(roc_auc_score(y_test, score)),
        "ks": pooled.ks(y_test, score),
    }))


if __name__ == "__main__":
    main()
