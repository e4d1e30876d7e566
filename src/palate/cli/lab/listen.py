"""palate lab listen new, serve, results, export, import, list."""

from pathlib import Path
from typing import Any

import click

from palate.cli.output import json_option, note, show
from palate.core.home import Home


@click.group()
def listen() -> None:
    """Listening tests: people compare sounds or slates without knowing what made them."""


@listen.command()
@click.argument("name")
@click.option(
    "--of", type=click.Choice(["slates", "clips", "transitions", "sounds"]), help="What is judged; by itself the NAME."
)
@click.option(
    "--from", "folder", type=click.Path(path_type=Path), help="A folder with a sub-folder of sounds for each condition."
)
@click.option("--conditions", help="What is compared, with commas; by itself every sub-folder, or for_you,popular-7d.")
@click.option("--pairs", type=int, default=30, show_default=True, help="Tasks for each rater.")
@click.option(
    "--kind",
    type=click.Choice(["ab", "rating", "questions"]),
    default="ab",
    show_default=True,
    help="Two at once, all from 0 to 100, or yes and no.",
)
@click.option("--question", "questions", multiple=True, help="What raters are asked; several for --kind questions.")
@click.option("--checks", type=int, default=0, show_default=True, help="Attention checks for each rater.")
@click.option("--cases", type=int, help="Slates: how many listeners; by itself as many as --pairs.")
@click.option("--length", type=click.IntRange(1, 50), default=8, show_default=True, help="Slates: items in each list.")
@click.option("--unheard", is_flag=True, help="Slates: leave out what the listener has heard.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed is another draw and another order.")
@json_option
@click.pass_obj
def new(home: Home, /, name: str, as_json: bool, **asked: Any) -> None:
    """Make a test, from a folder of sounds or from this home's slates."""
    from palate.lab.listening_tests.making import Asked, Slates, SlatesAsked, new_test

    def slates(home: Home, wanted: SlatesAsked) -> Slates:
        from palate.jobs.slates_to_rate import slates_to_rate  # brings what only training needs; sounds do without

        return slates_to_rate(home, wanted)

    if asked["conditions"] is not None:
        asked["conditions"] = tuple(one.strip() for one in asked["conditions"].split(",") if one.strip())
    test = new_test(home, name, Asked(**asked), slates).test
    for one in test.notes:
        note(f"note: {one}")
    answer: dict[str, Any] = {"name": test.name, "of": test.of, "kind": test.kind, "conditions": test.conditions}
    answer |= {"cases": len(test.cases), "per_rater": test.per_rater, "notes": test.notes}
    text = (
        f"{test.name}: {len(test.cases)} cases of {', '.join(test.conditions)}, {test.per_rater} tasks for each rater"
    )
    show(answer, f"{text}. Next: palate lab listen serve {test.name}", as_json)


@listen.command("list")
@json_option
@click.pass_obj
def list_tests(home: Home, as_json: bool) -> None:
    """The tests of this home, with how many answers each has."""
    from palate.lab.listening_tests.shelf import names, open_test

    tests = [(one.test, one.book.answers()) for one in (open_test(home, name) for name in names(home.require()))]
    rows: list[dict[str, Any]] = [
        {"name": test.name, "of": test.of, "kind": test.kind, "conditions": test.conditions, "answers": len(given),
         "raters": len({answer.rater for answer in given})}
        for test, given in tests
    ]  # fmt: skip
    lines = [
        f"{row['name']}  {row['kind']} of {row['of']}: {', '.join(row['conditions'])}; "
        f"{row['answers']:,} answers of {row['raters']:,} raters"
        for row in rows
    ]
    show({"tests": rows}, "\n".join(lines) or "No listening tests yet; make one: palate lab listen new NAME", as_json)


@listen.command()
@click.argument("name")
@click.option(
    "--host", default="0.0.0.0", show_default=True, help="The address to listen on; 127.0.0.1 for this machine alone."
)
@click.option("--port", type=int, default=8422, show_default=True, help="The port.")
@json_option
@click.pass_obj
def serve(home: Home, name: str, host: str, port: int, as_json: bool) -> None:
    """Serve the raters' page of one test, and only that, until stopped."""
    from palate.api.serve import check_address
    from palate.lab.listening_tests.serve import address_of, run

    address = address_of(home.require(), name, host, port)
    check_address(host, port)
    show({"address": address}, f"Raters open {address}\nAnswers are kept as they come. Stop with Ctrl-C.", as_json)
    run(home, name, host, port)


@listen.command()
@click.argument("name")
@json_option
@click.pass_obj
def results(home: Home, name: str, as_json: bool) -> None:
    """How a test stands: preferences, intervals, agreement; with and without raters who fail their checks."""
    from palate.lab.listening_tests.results import results as run
    from palate.lab.listening_tests.results import to_json
    from palate.lab.listening_tests.shelf import open_test
    from palate.lab.listening_tests.words import text

    found = run(open_test(home.require(), name))
    show(to_json(found), text(found), as_json)


@listen.command()
@click.argument("name")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The csv file to write.")
@click.option("--labels", is_flag=True, help="Write the answers, to train on, instead of the tasks.")
@click.option("--base-url", default="", help="Where the sounds will be uploaded to.")
@json_option
@click.pass_obj
def export(home: Home, name: str, out: Path, labels: bool, base_url: str, as_json: bool) -> None:
    """Write the tasks for an outside rating service, or the answers as training labels."""
    from palate.lab.listening_tests.exchange import export_labels, export_tasks
    from palate.lab.listening_tests.shelf import open_test

    test = open_test(home.require(), name)
    if labels:
        answer = export_labels(test, out)
        text = f"{answer['labels']:,} labels in {out}"
    else:
        answer = export_tasks(test, out, base_url)
        beside = f"; upload {answer['stimuli']} with it" if answer["stimuli"] else ""
        text = f"{answer['tasks']:,} tasks in {out}{beside}"
    show(answer, text, as_json)


@listen.command("import")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@click.pass_obj
def import_file(home: Home, name: str, file: Path, as_json: bool) -> None:
    """Read answers back from an outside rating service: a csv with task_id, rater_id and answer."""
    from palate.lab.listening_tests.exchange import import_answers
    from palate.lab.listening_tests.shelf import open_test

    done = import_answers(open_test(home.require(), name), file)
    for line, why in done.rejected:
        note(f"{file}:{line}: {why}")
    rejected = [{"line": line, "why": why} for line, why in done.rejected]
    text = f"{done.accepted:,} answers taken, {done.repeated:,} were there already, {len(rejected):,} rows left out"
    show({"accepted": done.accepted, "repeated": done.repeated, "rejected": rejected}, text, as_json)


COMMANDS = (listen,)
