"""palate onboard."""

import click

from palate.cli.output import json_option, show
from palate.core.home import Home


@click.command()
@click.argument("user")
@click.option(
    "--artist",
    "artists",
    multiple=True,
    metavar="NAME",
    help="An artist, by name or by the id of an item; may be repeated.",
)
@click.option(
    "--show",
    "shows",
    multiple=True,
    metavar="NAME",
    help="A show, by name or by the id of an episode; may be repeated.",
)
@click.option("--language", "languages", multiple=True, metavar="TAG", help="A language, e.g. en; may be repeated.")
@click.option("--id", "request_id", default="", help="The same id again changes nothing.")
@click.option("--offer", type=int, metavar="N", help="Keep nothing: show N picks to offer, given those above.")
@json_option
@click.pass_obj
def onboard(
    home: Home, user: str, artists: tuple[str, ...], shows: tuple[str, ...], languages: tuple[str, ...],
    request_id: str, offer: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Keep what a new listener picks, so that their next answer knows it; or see what to offer them."""
    from palate.jobs.onboarding import offered
    from palate.jobs.onboarding import onboard as run
    from palate.surfaces.onboarding import Said

    if offer is not None:
        choices = offered(home, offer, languages, (*artists, *shows), ())
        lines = [f"{one['kind']:<7} {one['name']}" for one in choices]
        show({"choices": choices}, "\n".join(lines) or "nothing to offer", as_json)
        return
    answer = run(home, user, Said(artists, shows, languages, request_id))
    picks, events, offset = len(answer["picked"]), answer["accepted"], answer["offset"]
    show(answer, f"{picks} picks of {user} kept as {events} events, up to offset {offset:,}", as_json)


COMMANDS = (onboard,)
