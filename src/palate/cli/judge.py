"""palate eval run, report, check, probes, claims."""

from pathlib import Path

import click

from palate.cli.output import json_option, show
from palate.core.errors import BadInput, PalateError
from palate.core.home import Home

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group(name="eval")
def eval_() -> None:
    """How good the recommendations are, against baselines, with intervals."""


@eval_.command()
@click.option("--windows", type=int, help="How many weeks of the past to look at, four weeks apart.")
@click.option("--task", "tasks", multiple=True, metavar="NAME", help="Only this task, e.g. discover; may be repeated.")
@click.option("--method", "files", multiple=True, type=FILE, help="A file with methods(inputs); may be repeated.")
@click.option("--compare", nargs=2, metavar="A B", help="Which of two versions is better, e.g. taste@3 taste@4.")
@click.option("--brief", is_flag=True, help="Only the tables: no nearest neighbours, no probes, no twin.")
@json_option
@click.pass_obj
def run(
    home: Home,
    windows: int | None,
    tasks: tuple[str, ...],
    files: tuple[Path, ...],
    compare: tuple[str, str] | None,
    brief: bool,
    as_json: bool,
) -> None:
    """Train on the past, recommend for the week after, compare with what was heard. Prints a table, writes a page."""
    from palate.jobs.judge import comparing, judging

    asked = judging.Asked(windows, tasks, files, brief)
    if compare:
        text, data = comparing.compare(home, *compare, asked)
    else:
        text, data = judging.judge(home, asked)
    path = home.lab / ("compare.html" if compare else "eval.html")
    show(data | {"page": str(path)}, f"{text}\nwith plots: {path}\n", as_json)


@eval_.command()
@json_option
@click.pass_obj
def report(home: Home, as_json: bool) -> None:
    """The last result again, and where its page is."""
    from palate.core.artefacts import read_json

    path = home.require().lab / "eval.json"
    if not path.is_file():
        raise BadInput(f"{home.root} has not been evaluated yet; run: palate eval run")
    kept, page = read_json(path), path.with_suffix(".html")
    if not page.is_file():  # an evaluation of an older Palate
        show(kept["data"], kept["text"], as_json)
        return
    show(kept["data"] | {"page": str(page)}, f"{kept['text']}\nwith plots: {page}\n", as_json)


@eval_.command()
@click.option("--method", "files", multiple=True, type=FILE, help="A file with methods(inputs); may be repeated.")
@click.option("--task", "tasks", multiple=True, metavar="NAME", help="Only this task; may be repeated.")
@json_option
@click.pass_obj
def check(home: Home, files: tuple[Path, ...], tasks: tuple[str, ...], as_json: bool) -> None:
    """Look for leaks: change everything from a moment on, train again, and see whether an answer changes."""
    from palate.jobs.judge.judging import Asked, check

    found = check(home, Asked(files=files, tasks=tasks))
    if found:
        raise PalateError("; ".join(map(str, found)))
    show({"leaks": []}, "no answer changed when the future did", as_json)


@eval_.command()
@click.option(
    "--tasks", type=click.Path(path_type=Path, exists=True, file_okay=False), help="A folder of tasks of your own."
)
@json_option
@click.pass_obj
def probes(home: Home, tasks: Path | None, as_json: bool) -> None:
    """What the vectors are good for: small models on frozen vectors, many tasks, against other vectors."""
    from palate.jobs.judge.examining import probe_home

    text, data = probe_home(home, tasks)
    show(data, text, as_json)


@eval_.command()
@click.option("--listeners", type=click.IntRange(1), default=200, show_default=True, help="How many to answer.")
@click.option("--surface", "surfaces", multiple=True, metavar="NAME", help="Only this one; may be repeated.")
@click.option("--seed", type=int, default=0, show_default=True, help="Which listeners are drawn.")
@json_option
@click.pass_obj
def claims(home: Home, listeners: int, surfaces: tuple[str, ...], seed: int, as_json: bool) -> None:
    """Whether the reasons are true: asks the surfaces, counts every claim anew. Fails on what is false or unchecked."""
    from palate.jobs.claims import check_home

    found = check_home(home.require(), listeners, surfaces, seed)
    told, tally = found.as_dict(), found.tally
    rows = [f"{kind:<14}{n:>9,} checked" for kind, n in sorted(tally.checked.items())]
    rows += [f"{kind:<14}{n:>9,} UNCHECKED: no checker knows this type" for kind, n in sorted(tally.unchecked.items())]
    answers = ", ".join(f"{name} {n:,}" for name, n in found.answers.items())
    note = f"; could not be asked: {', '.join(found.unasked)}" if found.unasked else ""
    show(told, "\n".join([f"answers: {answers}{note}", *rows, f"false: {len(tally.false):,}"]), as_json)
    if tally.false:
        raise PalateError(f"{len(tally.false):,} claims are false; the first: {tally.false[0]}")
    if tally.unchecked:
        raise PalateError(f"nobody checks claims of type {', '.join(sorted(tally.unchecked))}; register a checker")


COMMANDS = (eval_,)
