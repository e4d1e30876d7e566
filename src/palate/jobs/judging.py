"""`palate eval run`: the judge's protocol over a home, with Palate's own methods beside the baselines.

Every window trains again from scratch on what was known before it: item vectors, encoder, company, ranker.
"""

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.artefacts import read_json, write_json
from palate.core.home import Home
from palate.core.settings import read_settings
from palate.embeddings.bulk import build_records
from palate.embeddings.company import fit_company
from palate.embeddings.encoder import Encoder
from palate.embeddings.items import fit_items
from palate.embeddings.records import UserRecord
from palate.evaluation.baselines import standard
from palate.evaluation.report import table, to_json
from palate.evaluation.run import evaluate
from palate.evaluation.splits import EvalSettings
from palate.jobs.fit import FitSettings, fit_ranker, fit_user_encoder, stock_at
from palate.jobs.inputs import Inputs, gather, is_simulated
from palate.jobs.runs import name_run
from palate.listening.history import History
from palate.retrieval.query import Query
from palate.surfaces.explain import Labels
from palate.surfaces.for_you import FOR_YOU, FOR_YOU_UNHEARD
from palate.surfaces.path import RequestPath


class _NoLabels:
    def get(self, row: int) -> Any:
        raise LookupError(f"row {row}: the judge ranks, it does not explain")


@dataclass(frozen=True)
class Trained:
    """Everything that one window's answers come from."""

    path: RequestPath
    encoder: Encoder
    records: dict[int, UserRecord]
    at: float

    def query(self, user: int) -> Query:
        record = self.records[user]
        return Query(record, self.encoder.encode([record])[0], self.at)


def fit_all(inputs: Inputs, train: History, at: float, settings: FitSettings) -> Trained:
    """Fits every model on `train` alone."""
    known = replace(inputs.until(at), history=train)
    model = fit_items(train, known.playlists, known.columns, settings.items)
    encoder = fit_user_encoder(known, model, settings.items.seed)
    stock = stock_at(known, model.vectors, fit_company(train, known.playlists), at, settings, "judged")
    labels: Labels = _NoLabels()
    records = dict(build_records(train, stock.vectors, known.columns.kind))
    return Trained(RequestPath(stock, fit_ranker(known, settings), labels), encoder, records, at)


@dataclass(frozen=True)
class ForYou:
    """The whole request path of the surface for_you."""

    inputs: Inputs
    settings: FitSettings
    shared: dict[float, Trained]
    name: str = "for_you"

    def fit(self, train: History, at: float) -> "FittedForYou":
        if at not in self.shared:
            self.shared.clear()  # one window at a time
            self.shared[at] = fit_all(self.inputs, train, at, self.settings)
        return FittedForYou(self.shared[at])


@dataclass(frozen=True)
class FittedForYou:
    """for_you, as it would have answered at the end of one train log."""

    trained: Trained

    def recommend(self, users: NDArray[np.int32], n: int, exclude_heard: bool) -> NDArray[np.int32]:
        recipe, path = FOR_YOU_UNHEARD if exclude_heard else FOR_YOU, self.trained.path
        out = np.full((len(users), n), -1, np.int32)
        for place, user in enumerate(users.tolist()):
            items = path.rank(recipe, self.trained.query(user), n).candidates.items
            out[place, : len(items)] = items
        return out


@dataclass(frozen=True)
class Taste:
    """The taste alone: a dot product with every item, nothing else. What other teams would get from the space."""

    foryou: ForYou
    name: str = "taste (one vector)"

    def fit(self, train: History, at: float) -> "FittedTaste":
        return FittedTaste(self.foryou.fit(train, at).trained, train)


@dataclass(frozen=True)
class FittedTaste:
    """The nearest items to each taste, as of the end of one train log."""

    trained: Trained
    train: History

    def recommend(self, users: NDArray[np.int32], n: int, exclude_heard: bool) -> NDArray[np.int32]:
        stock = self.trained.path.stock
        out = np.full((len(users), n), -1, np.int32)
        for place, user in enumerate(users.tolist()):
            query = self.trained.query(user)
            allowed = np.ones(stock.n_items, np.bool_)
            if exclude_heard:
                allowed[query.record.items[query.record.plays > 0]] = False
            rows, _ = stock.index.nearest(query.taste, n, allowed=allowed)
            out[place] = rows[0]
        return out


def judge(home: Home, windows: int | None = None) -> tuple[str, dict[str, Any]]:
    """Runs the judge; gives the table as text and as data, and keeps both in home/lab/eval.json."""
    settings, fitting = _settings(home, windows)
    named = name_run(home, None, None)
    inputs = gather(home, named.offset)
    for_you = ForYou(inputs, fitting, {})
    evaluation = evaluate(inputs.history, [for_you, Taste(for_you), *standard()], settings)
    simulated = is_simulated(inputs)
    data = to_json(evaluation, simulated=simulated, first=for_you.name)
    text = table(evaluation, simulated=simulated, first=for_you.name)
    kept = {"run": named.fingerprint, "settings": asdict(settings), "text": text, "data": data}
    write_json(home.lab / "eval.json", kept)
    return text, data


def judged(home: Home, windows: int | None = None) -> tuple[str, dict[str, Any]]:
    """The kept result if it is of the same data and settings, else a new one."""
    settings, _ = _settings(home, windows)
    path = home.lab / "eval.json"
    if path.is_file():
        kept = read_json(path)
        same_settings = kept["settings"] == json.loads(json.dumps(asdict(settings)))
        if same_settings and kept["run"] == name_run(home, None, None).fingerprint:
            return str(kept["text"]), kept["data"]
    return judge(home, windows)


def _settings(home: Home, windows: int | None) -> tuple[EvalSettings, FitSettings]:
    read = read_settings(home.require().settings)
    settings = read.section(EvalSettings)
    return settings if windows is None else replace(settings, windows=windows), FitSettings.read(read)
