"""HTTP: what a rater's page asks for, and what the lab's page shows of the tests.

A rater is known by the random id that joining gave. Nothing that a rater is sent names a condition: tasks and sounds
have ids made from the test's key and the rater, so the same sound has another address in each task.
"""

import math
from collections.abc import Callable
from importlib.resources import files
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from palate.core.errors import BadInput
from palate.core.home import Home
from palate.lab.listening_tests.answers import LONGEST_ID, Answer, sure_of, value_of
from palate.lab.listening_tests.design import MOST_AT_ONCE, REFERENCE, ListeningTest, Stimulus, Task, opaque, tasks_of
from palate.lab.listening_tests.results import results, to_json
from palate.lab.listening_tests.shelf import Shelved, names, open_test
from palate.lab.ui.answers import Answer as Json

FOLDER = files("palate.lab.listening_tests") / "page"
TYPES = {
    "index.html": "text/html", "listen.css": "text/css", "listen.js": "text/javascript",
    "player.js": "text/javascript", "tasks.js": "text/javascript", "sending.js": "text/javascript",
}  # fmt: skip
LONGEST_SECONDS = 86_400.0  # on one task: the page was left open

Text = Annotated[str, Field(max_length=LONGEST_ID)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Joining(BaseModel):
    """Who wants to take part."""

    join: Text
    nickname: Text = ""


class Sent(BaseModel):
    """An answer as the page sends it; the page makes up `id` and keeps it when it sends again."""

    id: Annotated[str, Field(min_length=8, max_length=LONGEST_ID)]
    task: Text
    value: Annotated[list[str | float], Field(max_length=32)]
    sure: int = 0
    seconds: Seconds = 0.0
    heard_seconds: Annotated[list[Seconds], Field(max_length=MOST_AT_ONCE)] = []


def router(home: Home) -> APIRouter:
    """Everything: the raters' page of every test, and the lab's view of them."""
    opened = _opener(home, None)
    routes = _raters_routes(opened)
    prefix = "/api/listening"

    @routes.get(prefix)
    def listing() -> Json:
        """Every test with how far it is."""
        return Json({"tests": [_about(opened(name)) for name in names(home)]})

    @routes.get(f"{prefix}/{{name}}/results")
    def shown(name: str) -> Json:
        """One test's results, as results.to_json gives them."""
        shelved = opened(name)
        return Json(_about(shelved) | {"results": to_json(results(shelved))})

    return routes


def raters_router(home: Home, only: str) -> APIRouter:
    """What the raters of one test need, and nothing else; for a server that strangers in the network can reach."""
    return _raters_routes(_opener(home, only))


def _opener(home: Home, only: str | None) -> Callable[[str], Shelved]:
    """Opens tests by name and keeps them open; 404 for those that are not there or not served."""
    kept: dict[str, tuple[tuple[int, int], Shelved]] = {}

    def opened(name: str) -> Shelved:
        try:
            if only is not None and name != only:
                raise BadInput(f"no listening test {name[:80]!r} is served here")
            shelved = kept[name][1] if name in kept else open_test(home, name)
            stat = (shelved.folder / "test.json").stat()
            mark = (stat.st_ino, stat.st_mtime_ns)
            if name in kept and kept[name][0] != mark:  # deleted and made again under the same name
                shelved = open_test(home, name)
            kept[name] = (mark, shelved)
        except FileNotFoundError as error:
            kept.pop(name, None)
            raise HTTPException(404, f"the listening test {name[:80]!r} was deleted") from error
        except BadInput as error:
            raise HTTPException(404, str(error)) from error
        return shelved

    return opened


def _raters_routes(opened: Callable[[str], Shelved]) -> APIRouter:
    routes = APIRouter(tags=["listening tests"])
    base = "/api/listening/{name}/raters"

    @routes.get("/listen/assets/{file}", include_in_schema=False)
    def asset(file: str) -> Response:
        """A file of the raters' page."""
        if file not in TYPES:
            raise HTTPException(404, f"the raters' page has no file {file[:80]!r}")
        return Response(FOLDER.joinpath(file).read_bytes(), media_type=f"{TYPES[file]}; charset=utf-8")

    @routes.get("/listen/{name}", include_in_schema=False)
    def page(name: str) -> Response:
        """The raters' page of a test."""
        opened(name)
        return asset("index.html")

    @routes.post(base)
    def join(name: str, who: Joining) -> Json:
        """Takes part: gives the id that this rater keeps."""
        return Json({"rater": opened(name).join(who.join, who.nickname)})

    @routes.get(f"{base}/{{rater}}")
    def session(name: str, rater: str) -> Json:
        """The rater's tasks in their order, and what was answered so far."""
        return Json(_session(opened(name), rater))

    @routes.post(f"{base}/{{rater}}/answers")
    def answer(name: str, rater: str, sent: Sent) -> Json:
        """Keeps one answer; replies once it is on the disk. The same id again changes nothing."""
        shelved = opened(name)
        try:
            new = shelved.book.append(_answer(shelved, rater, sent))
        except OSError as error:
            raise HTTPException(507, f"the disk did not take the answer ({error.strerror}); send it again") from error
        return Json({"kept": True, "repeated": not new})

    @routes.get(f"{base}/{{rater}}/sounds/{{sound}}")
    def sound(name: str, rater: str, sound: str) -> Response:
        """One sound of one task; ranges work, since phones ask for them."""
        shelved = opened(name)
        return _sound(shelved, _stimulus(shelved, rater, sound), sound)

    return routes


def _about(shelved: Shelved) -> dict[str, Any]:
    """One line of the lab's list."""
    test, answers = shelved.test, shelved.book.answers()
    about = {name: getattr(test, name) for name in ("name", "of", "kind", "conditions", "created", "simulated")}
    people = len({answer.rater for answer in answers})
    counts = {"cases": len(test.cases), "answers": len(answers), "raters": people, "per_rater": test.per_rater}
    return about | counts | {"address": f"/listen/{test.name}?join={test.join}"}


def _session(shelved: Shelved, rater: str) -> dict[str, Any]:
    test, tasks = shelved.test, _tasks(shelved, rater)
    given = shelved.book.of(rater)
    return {
        "name": test.name, "of": test.of, "kind": test.kind, "questions": test.questions, "simulated": test.simulated,
        "tasks": [_shown(test, task, rater, place) for place, task in enumerate(tasks)],
        "answers": {name: {"value": one.value, "sure": one.sure} for name, one in given.items()},
    }  # fmt: skip


def _shown(test: ListeningTest, task: Task, rater: str, place: int) -> dict[str, Any]:
    """One task as the page gets it."""
    case = test.case(task.case)
    stimuli = [_face(test, case.stimuli[one], rater, place, str(side)) for side, one in enumerate(task.shown)]
    told: dict[str, Any] = {"id": _task_id(test, rater, place), "context": case.context, "stimuli": stimuli}
    if test.kind == "rating" and REFERENCE in case.stimuli:
        told["reference"] = _face(test, case.stimuli[REFERENCE], rater, place, REFERENCE)
    return told


def _face(test: ListeningTest, stimulus: Stimulus, rater: str, place: int, side: str) -> dict[str, Any]:
    if not stimulus.file:
        return {"items": stimulus.items}
    return {"sound": f"/api/listening/{test.name}/raters/{rater}/sounds/{_sound_id(test, rater, place, side)}"}


def _answer(shelved: Shelved, rater: str, sent: Sent) -> Answer:
    """The answer with what was shown, from what was sent; BadInput when it does not fit the task."""
    test = shelved.test
    found = {_task_id(test, rater, place): task for place, task in enumerate(_tasks(shelved, rater))}
    task = found.get(sent.task)
    if task is None:
        raise BadInput(f"task {sent.task!r} is not one of this rater; load the page again")
    return Answer(
        id=f"{rater}:{sent.id}", rater=rater, task=sent.task, case=task.case, shown=task.shown,
        value=value_of(test, task, sent.value), sure=sure_of(test, sent.sure), check=task.check,
        seconds=min(sent.seconds, LONGEST_SECONDS),
        heard_seconds=tuple(round(one, 2) for one in sent.heard_seconds if math.isfinite(one)), at=shelved.wall(),
    )  # fmt: skip


def _tasks(shelved: Shelved, rater: str) -> list[Task]:
    try:
        return tasks_of(shelved.test, shelved.slot(rater), rater)
    except BadInput as error:
        raise HTTPException(404, str(error)) from error


def _stimulus(shelved: Shelved, rater: str, sound: str) -> Stimulus:
    """The stimulus that has this address for this rater; 404 when none has."""
    test = shelved.test
    for place, task in enumerate(_tasks(shelved, rater)):
        case = test.case(task.case)
        sides = {str(side): one for side, one in enumerate(task.shown)} | {REFERENCE: REFERENCE}
        for side, condition in sides.items():
            if condition in case.stimuli and _sound_id(test, rater, place, side) == sound:
                return case.stimuli[condition]
    raise HTTPException(404, "there is no such sound for this rater; load the page again")


def _sound(shelved: Shelved, stimulus: Stimulus, sound: str) -> Response:
    path = shelved.sound(stimulus)
    if not stimulus.file or not path.is_file():
        raise HTTPException(404, "this sound is gone from the home; the test cannot go on")
    response = FileResponse(path, media_type=stimulus.media_type, stat_result=path.stat())
    # What a file system knows of the file is the same for every rater and task, so it would tell stimuli apart.
    response.headers["etag"] = f'"{sound}"'
    response.headers["last-modified"] = "Thu, 01 Jan 1970 00:00:00 GMT"
    response.headers["cache-control"] = "private, max-age=3600"
    return response


def _task_id(test: ListeningTest, rater: str, place: int) -> str:
    return opaque(test, "task", rater, str(place))


def _sound_id(test: ListeningTest, rater: str, place: int, side: str) -> str:
    return opaque(test, "sound", rater, str(place), side)
