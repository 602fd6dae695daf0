"""Retrain a classifier, and deploy it if it beats the one that is deployed.

    penstock run examples/ml_retraining.py

    fetch ─▶ validate ─▶ split ─▶ preprocess ─┬▶ train_logistic ─▶ evaluate_logistic ─┐
                                              ├▶ train_forest ───▶ evaluate_forest ───┼▶ choose
                                              └▶ train_boosting ─▶ evaluate_boosting ─┘    │
                                                 report ◀─ deploy ◀─ gate and draw ◀───────┘

The data is scikit-learn's breast-cancer set, so nothing is downloaded. The three families are
trained side by side, each in a process of its own. What comes of it lies in the folder `workdir`:

    data/breast_cancer.parquet    what was fetched
    runs/<run>/                   each run's pictures, and report.json
    champion                      the run that is deployed: model.joblib and metrics.json as well

Run it twice: the second run meets the champion of the first. It deploys nothing, unless it is
better; `--param seed=7` gives it another split, `--param margin=-1` lets it win.

Needs the extra `ml`: pip install 'penstock[ml]'
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import joblib
import matplotlib as mpl
import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    log_loss,
    roc_auc_score,
    roc_curve,
)
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from penstock import AirflowSkipException, Param, dag, get_current_context, task

TARGET = "benign"
FEATURES = 30

FAMILIES: dict[str, tuple[Any, dict[str, list[Any]]]] = {
    "logistic": (LogisticRegression(max_iter=5_000), {"C": [0.01, 0.1, 1.0, 10.0]}),
    "forest": (
        RandomForestClassifier(n_estimators=150),
        {"max_depth": [4, None], "max_features": ["sqrt", 0.5]},
    ),
    "boosting": (
        HistGradientBoostingClassifier(max_iter=80),
        {"learning_rate": [0.05, 0.2], "max_leaf_nodes": [7, 31]},
    ),
}
"""Each family: an estimator, and the settings that a cross-validated search tries."""


def workdir() -> Path:
    folder = Path(get_current_context()["params"]["workdir"])
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run_folder() -> Path:
    """Return this run's own folder, made if need be. No colons: Windows shares refuse them."""
    folder = workdir() / "runs" / get_current_context()["run_id"].replace(":", "")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_json(path: Path, value: Any) -> None:
    """Write whole or not at all: a task may be killed at any line, and runs again."""
    draft = path.with_name(path.name + ".draft")
    draft.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n")
    os.replace(draft, path)


# ---------------------------------------------------------------- data


@task(retries=3, retry_delay=timedelta(seconds=2))
def fetch() -> str:
    """Fetch the data set and keep it as Parquet."""
    bunch = load_breast_cancer(as_frame=True)
    frame = bunch.frame.rename(columns={"target": TARGET})
    frame.columns = [name.replace(" ", "_") for name in frame.columns]
    path = workdir() / "data" / "breast_cancer.parquet"
    path.parent.mkdir(exist_ok=True)
    frame.to_parquet(path.with_suffix(".draft"), index=False)
    os.replace(path.with_suffix(".draft"), path)
    print(f"fetched {len(frame)} rows, {len(frame.columns)} columns into {path}")
    return str(path)


@task
def validate(path: str) -> dict[str, Any]:
    """Refuse data that a model must not be trained on; say everything that is wrong at once."""
    frame = pd.read_parquet(path)
    features = frame.drop(columns=TARGET, errors="ignore")
    problems = []
    if TARGET not in frame.columns or features.shape[1] != FEATURES:
        problems.append(f"schema: expected {FEATURES} features and {TARGET!r}, got {list(frame)}")
    if not all(pd.api.types.is_float_dtype(kind) for kind in features.dtypes):
        problems.append("schema: a feature is no float")
    if nulls := int(frame.isna().sum().sum()):
        problems.append(f"nulls: {nulls} values are missing")
    if (features < 0).any(axis=None):
        problems.append("range: a measured length or area is negative")
    if not problems:
        shares = frame[TARGET].value_counts(normalize=True)
        if len(shares) != 2 or shares.min() < 0.2:
            problems.append(f"balance: {shares.to_dict()}")
        told = features.corrwith(frame[TARGET]).abs()
        if (told > 0.95).any():
            problems.append(f"leakage: {list(told.index[told > 0.95])} all but give the answer")
    if problems:
        raise ValueError("; ".join(problems))
    print(f"valid: {len(frame)} rows, strongest single feature {told.idxmax()} ({told.max():.2f})")
    return {"path": path, "rows": len(frame), "duplicates": int(frame.duplicated().sum())}


@task
def split(valid: dict[str, Any]) -> dict[str, pd.DataFrame]:
    """Hold a share of the rows back for the test; no row is on both sides."""
    params = get_current_context()["params"]
    frame = pd.read_parquet(valid["path"]).drop_duplicates()
    train, test = train_test_split(
        frame,
        test_size=params["test_share"],
        random_state=params["seed"],
        stratify=frame[TARGET],
    )
    both = train.merge(test, how="inner")
    if len(both):
        raise ValueError(f"leakage: {len(both)} rows are in both parts")
    print(f"split into {len(train)} rows to learn from and {len(test)} to be tested on")
    return {"train": train, "test": test}


@task
def preprocess(parts: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Scale the features by what the training rows alone tell."""
    features = parts["train"].columns.drop(TARGET)
    scaler = StandardScaler().set_output(transform="pandas").fit(parts["train"][features])
    return {
        "scaler": scaler,
        "train": (scaler.transform(parts["train"][features]), parts["train"][TARGET]),
        "test": (parts["test"][features], parts["test"][TARGET]),  # as it would come to a server
    }


# ---------------------------------------------------------------- models


@task(execution_timeout=timedelta(minutes=10))
def train(family: str, ready: dict[str, Any]) -> Pipeline:
    """Find a family's best settings by cross-validation; CPU-bound, one core."""
    estimator, settings = FAMILIES[family]
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=get_current_context()["params"]["seed"])
    search = GridSearchCV(estimator, settings, scoring="roc_auc", cv=5, n_jobs=1)
    with threadpool_limits(1):  # the others train beside it, and spinning threads slow everybody
        search.fit(*ready["train"])
    print(f"{family}: {search.best_params_} with {search.best_score_:.4f} in cross-validation")
    return Pipeline([("scale", ready["scaler"]), ("model", search.best_estimator_)])


def score(model: Pipeline, test: tuple[pd.DataFrame, pd.Series]) -> dict[str, Any]:
    features, truth = test
    chances = model.predict_proba(features)[:, 1]
    verdicts = (chances >= 0.5).astype(int)
    wrongly, rightly, _ = roc_curve(truth, chances)
    return {
        "accuracy": float(accuracy_score(truth, verdicts)),
        "f1": float(f1_score(truth, verdicts)),
        "roc_auc": float(roc_auc_score(truth, chances)),
        "log_loss": float(log_loss(truth, chances)),
        "confusion": confusion_matrix(truth, verdicts).tolist(),
        "roc": [wrongly.tolist(), rightly.tolist()],
    }


@task
def evaluate(family: str, model: Pipeline, ready: dict[str, Any]) -> dict[str, Any]:
    """Measure a model on the rows that were held back."""
    scores = score(model, ready["test"])
    print(f"{family}: accuracy {scores['accuracy']:.4f}, ROC AUC {scores['roc_auc']:.4f}")
    return {"family": family, **scores}


@task
def choose(candidates: list[dict[str, Any]]) -> dict[str, Any]:
    """Name the challenger: the best area under the ROC curve, then the lower loss."""
    ranked = sorted(candidates, key=lambda one: (-one["roc_auc"], one["log_loss"]))
    for place, one in enumerate(ranked, start=1):
        print(f"{place}. {one['family']:<9} {one['roc_auc']:.4f}")
    return ranked[0]


@task
def draw(challenger: dict[str, Any], candidates: list[dict[str, Any]]) -> str:
    """Draw the challenger's confusion matrix and everybody's ROC curve."""
    mpl.use("agg")
    from matplotlib import pyplot as plt

    folder = run_folder()
    counts = np.array(challenger["confusion"])
    figure, axes = plt.subplots(figsize=(5, 4.4), layout="constrained")
    axes.imshow(counts, cmap="Blues")
    for (row, column), count in np.ndenumerate(counts):
        shade = "white" if count > counts.max() / 2 else "black"
        axes.text(column, row, str(count), ha="center", va="center", color=shade, fontsize=18)
    names = ["malignant", "benign"]
    axes.set(xticks=[0, 1], xticklabels=names, yticks=[0, 1], yticklabels=names)
    axes.set(xlabel="predicted", ylabel="actual", title=f"{challenger['family']} on the test rows")
    figure.savefig(folder / "confusion_matrix.png", dpi=120)

    figure, axes = plt.subplots(figsize=(5, 4.4), layout="constrained")
    for one in candidates:
        axes.step(*one["roc"], where="post", label=f"{one['family']} {one['roc_auc']:.4f}")
    axes.plot([0, 1], [0, 1], color="0.7", linestyle="--", label="a coin 0.5")
    axes.set(
        xlabel="false positive rate",
        ylabel="true positive rate",
        title="ROC curves and the area under them",
    )
    axes.legend(loc="lower right")
    figure.savefig(folder / "roc.png", dpi=120)
    plt.close("all")
    return str(folder)


# ---------------------------------------------------------------- champion


@task
def gate(challenger: dict[str, Any], ready: dict[str, Any]) -> dict[str, Any]:
    """Let the challenger and the deployed champion meet on the same test rows."""
    margin = get_current_context()["params"]["margin"]
    champion = workdir() / "champion"
    if not champion.exists():
        print(f"no champion yet: {challenger['family']} goes in")
        return {"deploy": True, "champion": None}
    known = json.loads((champion / "metrics.json").read_text())
    today = score(joblib.load(champion / "model.joblib"), ready["test"])
    better = challenger["roc_auc"] > today["roc_auc"] + margin
    print(
        f"champion {known['family']} of {known['run_id']}: {today['roc_auc']:.4f}, "
        f"challenger {challenger['family']}: {challenger['roc_auc']:.4f}: "
        + ("the challenger wins" if better else "the champion stays")
    )
    seen = {"family": known["family"], "run_id": known["run_id"], "roc_auc": today["roc_auc"]}
    return {"deploy": better, "champion": seen}


@task
def deploy(
    challenger: dict[str, Any], models: dict[str, Pipeline], pictures: str, verdict: dict[str, Any]
) -> str:
    """Put the model and its metrics beside the pictures, and point `champion` there, at once."""
    if not verdict["deploy"]:
        raise AirflowSkipException("the champion stays")
    folder, champion = Path(pictures), workdir() / "champion"
    joblib.dump(models[challenger["family"]], folder / "model.joblib")
    metrics = {name: value for name, value in challenger.items() if name != "roc"}
    metrics["run_id"] = get_current_context()["run_id"]
    metrics["beat"] = verdict["champion"]
    write_json(folder / "metrics.json", metrics)
    draft = champion.with_name("champion.draft")
    draft.unlink(missing_ok=True)
    draft.symlink_to(folder.relative_to(champion.parent), target_is_directory=True)
    os.replace(draft, champion)
    print(f"deployed {challenger['family']} ({challenger['roc_auc']:.4f}) as {champion}")
    return str(champion)


@task(trigger_rule="none_failed")
def report(candidates: list[dict[str, Any]], verdict: dict[str, Any], pictures: str) -> None:
    """Keep what this run found, whether it deployed or not."""
    fields = ("accuracy", "f1", "roc_auc", "log_loss", "confusion")
    found = {one["family"]: {name: one[name] for name in fields} for one in candidates}
    write_json(Path(pictures) / "report.json", {"candidates": found, "verdict": verdict})
    print(f"wrote {pictures}/report.json")


@dag(
    schedule="@weekly",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 1, "retry_delay": timedelta(seconds=5)},
    params={
        "workdir": Param(
            os.path.abspath("ml_output"),
            type="string",
            pattern="^/",
            description="the folder for what comes of it, from the root",
        ),
        "test_share": Param(0.3, type="number", minimum=0.1, maximum=0.5),
        "seed": Param(42, type="integer", minimum=0),
        "margin": Param(
            0.0, type="number", description="by how much ROC AUC a challenger must win"
        ),
    },
    tags=["ml"],
    doc_md=__doc__,
)
def ml_retraining() -> None:
    ready = preprocess(split(validate(fetch())))
    models, candidates = {}, []
    for family in FAMILIES:
        models[family] = train.override(task_id=f"train_{family}")(family, ready)
        candidates.append(
            evaluate.override(task_id=f"evaluate_{family}")(family, models[family], ready)
        )
    challenger = choose(candidates)
    pictures = draw(challenger, candidates)
    verdict = gate(challenger, ready)
    deployed = deploy(challenger, models, pictures, verdict)
    deployed >> report(candidates, verdict, pictures)


ml_retraining()
