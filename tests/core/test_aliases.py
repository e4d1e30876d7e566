"""The history of aliases: only added to, whole after kill -9, and whoever changes a line is found out."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from palate.core import aliases
from palate.core.aliases import AliasHistory, Entry, Move, Standing, present_user
from palate.core.errors import BadInput, Corrupt, PalateError

# As a Palate before 0.2 wrote it: no who, no move, no chain.
OLD = b"""\
{"time": 1795307388.1, "alias": "live", "space": "taste@1", "why": "trained, run f7dc976ccb5773b8"}
{"time": 1795307399.5, "alias": "live", "space": "taste@2", "why": "promoted by hand"}
"""


@pytest.fixture
def history(tmp_path: Path) -> AliasHistory:
    return AliasHistory(tmp_path / "spaces" / "aliases.jsonl")


def promoted(history: AliasHistory, *labels: str) -> AliasHistory:
    for label in labels:
        history.promote(label, f"because of {label}")
    return history


def live(history: AliasHistory) -> str | None:
    return history.standing().live


def test_before_the_first_promotion_nothing_is_live_and_looking_makes_no_file(history: AliasHistory) -> None:
    assert (history.entries(), history.standing(), history.verify()) == ([], Standing(), "")
    assert (Standing().live, Standing().previous, Standing().next) == (None, None, None)
    with pytest.raises(BadInput, match="no earlier live version"):
        history.rollback("test")
    assert not history.path.parent.exists()


def test_an_entry_says_who_when_and_why(history: AliasHistory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PALATE_USER", raising=False)
    before = time.time()
    written = history.promote("taste@1", "because {ä}\n", run="run-1")
    assert written == history.entries()[0]
    assert (written.alias, written.space, written.move, written.run) == ("live", "taste@1", "promote", "run-1")
    assert (written.why, written.who) == ("because {ä}\n", present_user())
    assert re.fullmatch(r".+@.+", present_user())
    assert before <= written.time <= time.time()
    told = json.loads(history.path.read_bytes())
    assert {"time", "alias", "space", "who", "why", "chain"} <= set(told)
    monkeypatch.setenv("PALATE_USER", "ana")
    assert history.refuse("taste@2", "no").who == "ana"


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("uid not found")

    monkeypatch.delenv("PALATE_USER", raising=False)
    monkeypatch.setattr(aliases.getpass, "getuser", nameless)
    assert present_user().startswith(f"uid {os.getuid()}@")


def test_a_rollback_undoes_one_promotion_and_two_undo_two(history: AliasHistory) -> None:
    promoted(history, "a", "b", "c")
    assert [history.rollback("test").space for _ in range(2)] == ["b", "a"]
    with pytest.raises(BadInput, match="no earlier"):
        history.rollback("test")
    promoted(history, "d")
    assert (history.standing().stack, history.standing().previous) == (("a", "d"), "a")


@pytest.mark.parametrize(
    ("promotions", "back"),
    [("ab", "a"), ("abb", "a"), ("aba", "ba"), ("abac", "aba"), ("aa", ""), ("cbcb", "cbc")],
)
def test_the_way_back_is_the_way_that_was_come(history: AliasHistory, promotions: str, back: str) -> None:
    promoted(history, *promotions)
    assert "".join(history.rollback("test").space for _ in back) == back
    assert live(history) == (back or promotions)[-1]
    assert history.standing().previous is None


def test_a_version_that_cannot_be_used_is_passed_over(history: AliasHistory) -> None:
    promoted(history, "a", "b", "c")
    assert history.rollback("test", lambda label: label != "b").space == "a"
    assert history.standing() == Standing(("a",))
    promoted(history, "b")
    with pytest.raises(BadInput, match="no earlier"):
        history.rollback("test", lambda label: False)
    assert live(history) == "b"


def test_next_is_set_beside_live_and_ends_when_it_becomes_live(history: AliasHistory) -> None:
    history.propose("b", "trained")
    assert history.standing() == Standing((), "b")
    promoted(history, "a")
    assert history.standing() == Standing(("a",), "b")
    history.refuse("b", "worse")
    assert history.standing() == Standing(("a",), "b")
    promoted(history, "b")
    assert history.standing() == Standing(("a", "b"), None)
    history.propose("b", "it is live already")
    assert history.standing().next is None
    history.propose("a", "the old one again")
    history.rollback("test")
    assert history.standing() == Standing(("a",), None)


def test_a_refusal_is_on_record_and_moves_nothing_and_force_moves(history: AliasHistory) -> None:
    promoted(history, "a")
    history.refuse("b", "worse in next", run="r")
    assert live(history) == "a"
    history.promote("b", "the licence of a ends", "force")
    assert [(one.space, one.move) for one in history.entries()] == [("a", "promote"), ("b", "refuse"), ("b", "force")]
    assert history.standing().stack == ("a", "b")


def test_a_promotion_judged_against_another_live_version_is_not_made(history: AliasHistory) -> None:
    seen = promoted(history, "a").standing()
    promoted(history, "b")
    with pytest.raises(PalateError, match="c was judged against a, but b has become live since"):
        history.promote("c", "passed", over=seen)
    assert live(history) == "b"
    history.propose("d", "moves no live")
    history.promote("c", "passed", over=Standing(("b",)))
    assert live(history) == "c"


moves = st.lists(st.sampled_from(["a", "b", "c", "rollback", "next a", "next b", "refuse c"]), max_size=12)


@given(moves)
def test_any_sequence_leaves_what_an_undo_stack_leaves(
    tmp_path_factory: pytest.TempPathFactory, asked: list[str]
) -> None:
    history, stack, waiting = AliasHistory(tmp_path_factory.mktemp("h") / "aliases.jsonl"), [], None
    for one in asked:
        before = history.path.read_bytes() if history.path.exists() else b""
        if one == "rollback":
            while stack and len(stack) > 1 and stack[-2] == stack[-1]:
                stack.pop()
            if len(stack) < 2:
                with pytest.raises(BadInput):
                    history.rollback("test")
                continue
            stack.pop()
            history.rollback("test")
        elif one.startswith("next"):
            history.propose(one[-1], "test")
            waiting = None if stack[-1:] == [one[-1]] else one[-1]
        elif one.startswith("refuse"):
            history.refuse(one[-1], "test")
        else:
            promoted(history, one)
            stack.append(one)
        waiting = None if stack[-1:] == [waiting] else waiting
        assert history.path.read_bytes().startswith(before)
        assert (live(history), history.standing().next) == (stack[-1] if stack else None, waiting)
    assert history.verify() == (history.entries()[-1].chain if history.entries() else "")


def test_an_old_file_is_read_and_gone_on_with_and_its_lines_are_covered_from_then_on(history: AliasHistory) -> None:
    history.path.parent.mkdir()
    history.path.write_bytes(OLD)
    first = history.entries()[0]
    assert first == Entry("live", "taste@1", "trained, run f7dc976ccb5773b8", who="", time=1795307388.1)
    assert (live(history), history.standing().previous) == ("taste@2", "taste@1")
    history.verify()
    promoted(history, "taste@3")
    assert history.path.read_bytes().startswith(OLD)
    history.verify()
    history.path.write_bytes(history.path.read_bytes().replace(b"by hand", b"by mind"))
    with pytest.raises(Corrupt, match="line 3 does not follow"):
        history.verify()


def test_what_a_newer_palate_writes_is_passed_over(history: AliasHistory) -> None:
    promoted(history, "a")
    told = {"time": 5, "alias": "live", "space": "b", "why": "", "who": "", "move": "shadow", "share": 0.1}
    told["chain"] = aliases._chain(history.verify(), told)
    with history.path.open("ab") as file:
        file.write(json.dumps(told).encode() + b"\n")
    history.verify()
    assert (live(history), history.entries()[1].time) == ("a", 5)
    assert live(promoted(history, "c")) == "c"


def without(lines: list[bytes], place: int) -> list[bytes]:
    return lines[:place] + lines[place + 1 :]


@pytest.mark.parametrize(
    ("tamper", "line"),
    [
        (lambda lines: without(lines, 0), 1),
        (lambda lines: without(lines, 2), 3),
        (lambda lines: [lines[1], lines[0], *lines[2:]], 1),
        (lambda lines: [*lines[:2], lines[1], *lines[2:]], 3),
        (lambda lines: [*lines[:3], lines[3].replace(b"because", b"despite"), lines[4]], 4),
        (lambda lines: [*lines[:4], re.sub(rb', "chain": "\w+"', b"", lines[4])], 5),
        (lambda lines: [*lines[:1], b"{}", *lines[1:]], 2),
        (lambda lines: [*lines[:4], b'{"alias": "live"' + lines[4][20:]], 5),
        (lambda lines: [*lines[:3], lines[3] + lines[4]], 4),
    ],
    ids=[
        "first line gone", "a line gone", "swapped", "repeated", "why rewritten", "last line without its chain",
        "no entry", "last line damaged", "a newline gone",
    ],
)  # fmt: skip
def test_the_first_line_that_does_not_fit_is_named_and_reading_goes_on(
    history: AliasHistory, tamper: Callable[[list[bytes]], list[bytes]], line: int
) -> None:
    promoted(history, *"abcde")
    lines = history.path.read_bytes().splitlines()
    history.path.write_bytes(b"\n".join(tamper(lines)) + b"\n")
    damaged = history.path.read_bytes()
    for write in (history.verify, lambda: history.promote("f", "test"), lambda: history.propose("f", "test")):
        with pytest.raises(Corrupt, match=rf"aliases\.jsonl, line {line} "):
            write()
    assert history.path.read_bytes() == damaged
    assert live(history) is not None
    history.rollback("the way out")
    with pytest.raises(Corrupt, match=rf"line {line} "):
        history.verify()


@given(st.integers(0, 10_000), st.integers(1, 255))
@example(1218, 38)  # a newline becomes a comma
def test_any_changed_byte_is_found(tmp_path_factory: pytest.TempPathFactory, place: int, flip: int) -> None:
    """In every line but the last, of which the end may be missing for a good reason."""
    history = promoted(AliasHistory(tmp_path_factory.mktemp("h") / "aliases.jsonl"), *"abc")
    content = bytearray(history.path.read_bytes())
    content[place % (content.rindex(b"{") - 1)] ^= flip
    try:
        before, after = (bytes(it).split(b"\n")[:-1] for it in (history.path.read_bytes(), content))
        same = [json.loads(line) for line in after] == [json.loads(line) for line in before]
    except ValueError:
        same = False
    history.path.write_bytes(content)
    if same:  # a space for a tab: what is said is the same
        history.verify()
    else:
        with pytest.raises(Corrupt):
            history.verify()


@pytest.mark.parametrize("ending", ["", "\n"])
def test_a_line_torn_anywhere_is_passed_over_and_what_follows_it_is_whole(
    history: AliasHistory, tmp_path: Path, ending: str
) -> None:
    """Torn by a killed writer; `ending` as a full disk may leave it, or as the next writer makes it."""
    promoted(history, "a")
    start = len(history.path.read_bytes())
    history.promote("b", "braces } and } more")
    whole = history.path.read_bytes()
    for length in range(start + 1, len(whole) - 1):
        history.path.write_bytes(whole[:length] + ending.encode())
        assert live(history) == "a"
        history.verify()
        promoted(history, "c")
        assert history.path.read_bytes().startswith(whole[:length] + b"\n")
        assert (live(history), history.standing().previous) == ("c", "a")
        history.verify()


def test_a_line_that_lacks_only_its_newline_counts_before_and_after(history: AliasHistory) -> None:
    promoted(history, "a", "b")
    history.path.write_bytes(history.path.read_bytes()[:-1])
    assert live(history) == "b"
    promoted(history, "c")
    assert history.standing().stack == ("a", "b", "c")
    history.verify()


def test_a_full_disk_is_an_error_and_leaves_what_was(history: AliasHistory, monkeypatch: pytest.MonkeyPatch) -> None:
    promoted(history, "a")
    write = os.write
    with monkeypatch.context() as full:
        full.setattr(aliases.os, "write", lambda descriptor, content: write(descriptor, content[:30]))
        with pytest.raises(OSError, match="No space left") as told:
            promoted(history, "b")
    assert told.value.filename == str(history.path)
    assert live(history) == "a"
    assert live(promoted(history, "b")) == "b"
    history.verify()


PROMOTER = """
import os, signal, sys
from pathlib import Path
from palate.core import aliases

history = aliases.AliasHistory(Path(sys.argv[1]))
if sys.argv[2] != "whole":
    write = os.write
    def torn(descriptor, content):
        write(descriptor, content[: int(sys.argv[2])])
        os.kill(os.getpid(), signal.SIGKILL)
    aliases.os.write = torn
for number in range(int(sys.argv[3])):
    history.promote(f"{sys.argv[4]}@{number}", "test")
    print(number, flush=True)
"""


def promoter(history: AliasHistory, cut: str, times: int, name: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", PROMOTER, str(history.path), cut, str(times), name]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("cut", [0, 1, 50])
def test_kill_9_in_the_middle_of_a_promotion_leaves_the_old_one_live(history: AliasHistory, cut: int) -> None:
    promoted(history, "a")
    killed = promoter(history, str(cut), 1, "b")
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    assert live(history) == "a"
    assert live(promoted(history, "c")) == "c"
    assert [one.space for one in history.entries()] == ["a", "c"]
    history.verify()


@pytest.mark.slow
def test_kill_9_at_any_moment_loses_nothing_that_was_acknowledged(history: AliasHistory) -> None:
    acknowledged: list[str] = []
    for turn in range(6):
        process = promoter(history, "whole", 1_000_000, f"t{turn}")
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(3 + turn)]
        time.sleep(0.001 * turn)
        process.send_signal(signal.SIGKILL)
        told += process.communicate()[0].splitlines(keepends=True)
        acknowledged += [f"t{turn}@{int(one)}" for one in told if one.endswith("\n")]
    written = [one.space for one in history.entries()]
    assert set(acknowledged) <= set(written)
    assert len(written) - len(acknowledged) <= 6  # at most the one under way in each turn
    history.verify()


def test_two_promoters_at_once_each_write_whole_lines_in_one_chain(history: AliasHistory) -> None:
    both = [promoter(history, "whole", 40, name) for name in "ab"]
    for process in both:
        process.communicate()
        assert process.returncode == 0
    written = [one.space for one in history.entries()]
    assert sorted(written) == sorted(f"{name}@{number}" for name in "ab" for number in range(40))
    assert [one for one in written if one.startswith("a")] == [f"a@{number}" for number in range(40)]
    times = [one.time for one in history.entries()]
    assert times == sorted(times)
    history.verify()


def test_a_rollback_to_what_the_file_does_not_know_is_believed() -> None:
    """Its beginning was lost; what is live now is what counts."""
    entry = Entry("live", "a", "test")
    back = replace(entry, move="rollback", space="x")
    assert Standing.of([back]) == Standing.of([entry, back]) == Standing(("x",))
    assert Standing.of([entry, replace(entry, alias="shadow", space="b")]) == Standing(("a",))


def test_a_consumer_has_one_pin_and_lets_it_go(history: AliasHistory) -> None:
    promoted(history, "a", "b")
    history.pin("churn-model", "a", "trained in May")
    history.pin("ads", "a", "")
    history.pin("ads", "b", "moved")
    standing = history.standing()
    assert standing.pins == (("ads", "b"), ("churn-model", "a"))
    assert (standing.pinned_by("a"), standing.pinned_by("b"), standing.pinned_by("c")) == (
        ("churn-model",),
        ("ads",),
        (),
    )
    assert (standing.live, standing.previous, standing.next) == ("b", "a", None), "a pin moves no alias"
    written = history.unpin("churn-model", "moved")
    assert (written.space, written.consumer, written.move, written.alias) == ("a", "churn-model", "unpin", "pin")
    assert history.standing().pins == (("ads", "b"),)
    assert history.verify() == history.entries()[-1].chain


@pytest.mark.parametrize("name", ["", " ", "a b", "a\nb", "ä" * 101, "a/b", "a:b"])
def test_a_consumer_needs_a_name(history: AliasHistory, name: str) -> None:
    with pytest.raises(BadInput, match="is no name of a consumer"):
        history.pin(name, "a", "test")
    assert not history.path.exists()


def test_who_has_pinned_nothing_cannot_let_go(history: AliasHistory) -> None:
    history.pin("ads", "a", "test")
    before = history.path.read_bytes()
    with pytest.raises(BadInput, match="'search' has pinned nothing; pinned are: ads"):
        history.unpin("search", "test")
    assert history.path.read_bytes() == before


def allowed(_: Standing) -> None:
    """Nothing speaks against it."""


def test_a_retired_version_is_no_more_next_no_more_pinned_and_never_again_anything(history: AliasHistory) -> None:
    promoted(history, "a")
    history.propose("b", "trained")
    history.pin("ads", "b", "test")
    history.pin("search", "a", "test")
    history.retire("b", "a mistake", allowed)
    assert history.standing() == Standing(("a",), None, (("search", "a"),), frozenset({"b"}))
    before = history.path.read_bytes()
    for decide in (
        lambda: history.promote("b", "test"), lambda: history.propose("b", "test"), lambda: history.pin("x", "b", ""),
    ):  # fmt: skip
        with pytest.raises(BadInput, match="b was retired and its label is not used again"):
            decide()
    assert history.path.read_bytes() == before


def test_what_speaks_against_retiring_is_asked_while_nobody_else_decides(history: AliasHistory) -> None:
    promoted(history, "a", "b")
    seen: list[Standing] = []

    def refuse(now: Standing) -> None:
        seen.append(now)
        raise BadInput("in use")

    before = history.path.read_bytes()
    with pytest.raises(BadInput, match="in use"):
        history.retire("a", "test", refuse)
    assert (seen, history.path.read_bytes()) == ([history.standing()], before)


MOVES = st.tuples(st.sampled_from(["pin", "unpin", "retire", "promote"]), st.sampled_from("abc"), st.sampled_from("xy"))


@given(st.lists(MOVES))
def test_a_pin_is_the_last_word_of_its_consumer_unless_its_version_was_retired_since(
    moves: list[tuple[Move, str, str]],
) -> None:
    entries = [Entry("pin", label, "", move, consumer=name) for move, label, name in moves]
    pins = dict(Standing.of(entries).pins)
    for name in "xy":
        words = [place for place, (move, _, who) in enumerate(moves) if move in ("pin", "unpin") and who == name]
        move, label, _ = moves[words[-1]] if words else ("unpin", "", name)
        retired = any(later == "retire" and gone == label for later, gone, _ in moves[words[-1] :]) if words else False
        assert pins.get(name) == (label if move == "pin" and not retired else None)


def test_a_palate_before_pins_reads_a_newer_file_and_one_of_now_an_older(history: AliasHistory) -> None:
    """What it does not know changes nothing: `consumer` is one more key, and its moves are words that move no alias."""
    history.path.parent.mkdir(parents=True)
    history.path.write_bytes(OLD)
    history.pin("ads", "taste@1", "test")
    assert history.standing() == Standing(("taste@1", "taste@2"), None, (("ads", "taste@1"),))
    unknown = [replace(one, move="of a newer Palate") for one in history.entries() if one.move == "pin"]
    assert Standing.of([*history.entries()[:2], *unknown]) == Standing(("taste@1", "taste@2"))
