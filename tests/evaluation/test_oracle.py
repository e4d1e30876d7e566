"""A whole evaluation of one baseline against trec_eval: questions, lists, marks and means, agreeing to 1e-9."""

import numpy as np
import pytest
import pytrec_eval

from palate.embeddings.inputs import Inputs
from palate.evaluation.baselines import ItemKnn
from palate.evaluation.report.data import to_json
from palate.evaluation.run import evaluate
from palate.evaluation.splits import EvalSettings, split, windows
from palate.evaluation.tasks.week import Discover, Next

from .worlds import inputs_of, random_history

SETTINGS = EvalSettings(windows=2, k=(10, 100), bootstrap=10)


def by_trec_eval(inputs: Inputs, task: Next, measures: dict[str, str]) -> dict[str, float]:
    """By our name: the mean over windows of the mean over listeners, as trec_eval marks the same lists."""
    means: dict[str, list[float]] = {ours: [] for ours in measures}
    for window in windows(inputs, SETTINGS):
        part = split(inputs, window)
        asked = task.questions(part, SETTINGS)
        lists = task.answers(ItemKnn().fit(part.known, window.at), part, asked, 100)
        right = np.split(asked.items, asked.indptr[1:-1])
        relevant = {str(row): {str(item): 1 for item in items} for row, items in zip(asked.rows, right, strict=True)}
        run = {
            str(row): {str(item): 100.0 - place for place, item in enumerate(one) if item >= 0}
            for row, one in zip(asked.rows, lists.tolist(), strict=True)
        }
        said = pytrec_eval.RelevanceEvaluator(relevant, {"ndcg_cut.10,100", "success.10"}).evaluate(run)
        for ours, theirs in measures.items():
            means[ours].append(sum(marks[theirs] for marks in said.values()) / len(asked))
    return {ours: float(np.mean(each)) for ours, each in means.items()}


def agreement(inputs: Inputs) -> float:
    """The largest difference between the report's values for item-knn and trec_eval's."""
    measures = {"ndcg@10": "ndcg_cut_10", "ndcg@100": "ndcg_cut_100", "hit_rate@10": "success_10"}
    tasks = [Next(), Discover()]
    report = to_json(evaluate(inputs, [ItemKnn()], SETTINGS, tasks))["tasks"]
    apart = []
    for task in tasks:
        theirs = by_trec_eval(inputs, task, measures)
        apart += [abs(report[task.name]["methods"][0][name]["value"] - theirs[name]) for name in measures]
    return max(apart)


@pytest.mark.parametrize("seed", range(3))
def test_item_knn_is_marked_as_trec_eval_would(seed: int) -> None:
    assert agreement(inputs_of(random_history(seed, n_users=60, n_items=200, n_plays=4000))) < 1e-9
