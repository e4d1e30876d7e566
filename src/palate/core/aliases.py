"""Which version of a model is in use, and all that was ever decided about it: one file that is only added to.

A kind of model has its versions (`taste@7`) and one history, aliases.jsonl. `live` is the version that serves, `next`
the one that may replace it; both follow from the lines, and so does what was live before. A rollback undoes the latest
promotion that still stands, as an editor's undo does, so two in a row go back two promotions and never swing. Beside
them stand pins: a consumer, by name, relies on one version, which is kept until the pin is gone. A version that was
retired is no more, and its label is never used again.

Every line holds the hash of the line before it and of itself (Haber and Stornetta, "How to time-stamp a digital
document", 1991), so a line that was changed or taken out is found by whoever looks. Reading never stops for that: a
server has to go on.
"""

import errno
import fcntl
import getpass
import json
import os
import re
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal, cast

from palate.core.errors import BadInput, Corrupt, PalateError

FILE = "aliases.jsonl"
LIVE, NEXT, PIN, GONE = "live", "next", "pin", "gone"
CONSUMER = re.compile(r"[\w.@-]{1,100}")

Move = Literal["promote", "force", "rollback", "refuse", "pin", "unpin", "retire"]


def present_user() -> str:
    """`user@machine`; the environment's PALATE_USER where a service or a robot speaks for somebody."""
    told = os.environ.get("PALATE_USER")
    if told:
        return told
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number without a name
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


@dataclass(frozen=True)
class Entry:
    """One decision. Lines of older files lack what has a default here.

    alias     live, next, pin or gone
    space     the version's label
    why       in the words of who decided, or of the gate
    who       user@machine
    move      promote; force: against the gate; rollback; refuse: the gate said no, and nothing moved; pin; unpin;
              retire
    run       the run of the gate in the lab; empty where none was made
    consumer  who relies on the version, of pin and unpin; else empty
    time      unix seconds
    chain     hash of the line before and of this one; empty until it is written
    """

    alias: str
    space: str
    why: str
    move: Move = "promote"
    run: str = ""
    consumer: str = ""
    who: str = field(default_factory=present_user)
    time: float = field(default_factory=time.time)
    chain: str = ""


@dataclass(frozen=True)
class Standing:
    """Where the aliases stand.

    stack    the promotions that were not undone, the live one last
    pins     (consumer, label), by consumer
    retired  labels of versions that are no more
    """

    stack: tuple[str, ...] = ()
    next: str | None = None
    pins: tuple[tuple[str, str], ...] = ()
    retired: frozenset[str] = frozenset()

    @property
    def live(self) -> str | None:
        """The version that serves; None before the first promotion."""
        return self.stack[-1] if self.stack else None

    @property
    def previous(self) -> str | None:
        """To where a rollback goes; None where there is nothing to undo."""
        return next(iter(self.earlier), None)

    @property
    def earlier(self) -> tuple[str, ...]:
        """What a rollback can go back to, one after the other: the stack below the live one, latest first."""
        return tuple(label for label in reversed(self.stack[:-1]) if label != self.live)

    def pinned_by(self, label: str) -> tuple[str, ...]:
        """The consumers that rely on `label`, by name."""
        return tuple(consumer for consumer, pinned in self.pins if pinned == label)

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "Standing":
        """Where the aliases stand after the decisions; a move that this Palate does not know changes nothing."""
        stack: list[str] = []
        pins: dict[str, str] = {}
        retired: set[str] = set()
        waiting: str | None = None
        for entry in entries:
            label, moved = entry.space, entry.move in ("promote", "force")
            if moved and entry.alias == NEXT:
                waiting = label
            elif moved and entry.alias == LIVE:
                stack += [label] if stack[-1:] != [label] else []
            elif entry.move == "rollback" and entry.alias == LIVE:
                _back_to(stack, label)
            elif entry.move == "pin":
                pins[entry.consumer] = label
            elif entry.move == "unpin":
                pins.pop(entry.consumer, None)
            elif entry.move == "retire":
                retired.add(label)
                pins = {consumer: pinned for consumer, pinned in pins.items() if pinned != label}
            if waiting in stack[-1:] or waiting in retired:
                waiting = None
        return cls(tuple(stack), waiting, tuple(sorted(pins.items())), frozenset(retired))


def _back_to(stack: list[str], label: str) -> None:
    """Takes off the live one, and what lies between it and `label`."""
    del stack[-1:]
    while stack and stack[-1] != label:
        del stack[-1]
    if not stack:  # never promoted in this file, so its beginning is lost
        stack.append(label)


@dataclass(frozen=True)
class _Line:
    """One line of the file. `told` is None for one that cannot be read; such a line is torn when its end is missing."""

    number: int
    told: dict[str, Any] | None
    torn: bool


@dataclass(frozen=True)
class AliasHistory:
    """The history of one kind of model, in `path`. Making it touches nothing.

    Reading takes no lock. A decision is written by one process at a time, in one write behind everything that is
    there, and is on the disk when the call returns; one that was killed before leaves all earlier ones as they were.
    """

    path: Path

    def entries(self) -> list[Entry]:
        """Every decision, oldest first. What a killed writer left unfinished, and what cannot be read, is left out."""
        return [_entry(line.told) for line in _lines(self._content()) if line.told is not None]

    def standing(self) -> Standing:
        """Where the aliases stand now."""
        return Standing.of(self.entries())

    def verify(self) -> str:
        """The hash of the last line; Corrupt names the first line that does not fit.

        The end of the file can be cut off without a trace in it: who wants to notice that keeps this hash elsewhere.
        """
        return self._verified(_lines(self._content()))

    def promote(
        self, label: str, why: str, move: Move = "promote", run: str = "", over: Standing | None = None
    ) -> Entry:
        """Makes `label` live. Corrupt when the history does not verify.

        over: what stood when this was judged; PalateError, and nothing written, when another version is live by now.
        """

        def decide(now: Standing) -> Entry:
            if over is not None and over.live != now.live:
                raise PalateError(
                    f"{label} was judged against {over.live}, but {now.live} has become live since; promote it again"
                )
            _there(now, label)
            return Entry(LIVE, label, why, move, run)

        return self._decide(decide)

    def propose(self, label: str, why: str) -> Entry:
        """Makes `label` next: the one that may replace the live one. Corrupt when the history does not verify."""
        return self._decide(lambda now: Entry(NEXT, _there(now, label), why))

    def pin(self, consumer: str, label: str, why: str) -> Entry:
        """Keeps on record that `consumer` relies on `label`, in the place of what it relied on before.

        BadInput for a name that is none (letters, digits, _ . @ -, 100 of them at most) or a version that was retired;
        Corrupt when the history does not verify.
        """
        if not CONSUMER.fullmatch(consumer):
            raise BadInput(
                f"{consumer[:100]!r} is no name of a consumer; use letters, digits, _ . @ and -, at most 100"
            )
        return self._decide(lambda now: Entry(PIN, _there(now, label), why, "pin", consumer=consumer))

    def unpin(self, consumer: str, why: str) -> Entry:
        """Keeps on record that `consumer` relies on no version any more; BadInput when it did not."""

        def decide(now: Standing) -> Entry:
            pinned = dict(now.pins)
            if consumer not in pinned:
                raise BadInput(f"{consumer[:100]!r} has pinned nothing; pinned are: {', '.join(pinned) or 'none'}")
            return Entry(PIN, pinned[consumer], why, "unpin", consumer=consumer)

        return self._decide(decide)

    def retire(self, label: str, why: str, allow: Callable[[Standing], None]) -> Entry:
        """Keeps on record that `label` is no more, before its files go; Corrupt when the history does not verify.

        allow: raises when what stands at this moment speaks against it; nobody else decides meanwhile.
        """

        def decide(now: Standing) -> Entry:
            allow(now)
            return Entry(GONE, label, why, "retire")

        return self._decide(decide)

    def refuse(self, label: str, why: str, run: str = "") -> Entry:
        """Keeps on record that the gate did not let `label` become live; no alias moves."""
        return self._decide(lambda _: Entry(LIVE, label, why, "refuse", run))

    def rollback(self, why: str, usable: Callable[[str], bool] = lambda _: True) -> Entry:
        """Undoes the latest promotion that stands, and more of them while what was live before is not `usable`.

        BadInput when nothing is left to go back to. A history that does not verify is no reason to refuse: this is the
        way out of trouble.
        """

        def decide(now: Standing) -> Entry:
            found = [label for label in now.earlier if usable(label)]
            if not found:
                raise BadInput("there is no earlier live version to roll back to; promote one by its label")
            return Entry(LIVE, found[0], why, "rollback")

        if not self.standing().earlier:
            decide(Standing())  # before a file is made
        return self._decide(decide, verified=False)

    def _decide(self, decide: Callable[[Standing], Entry], verified: bool = True) -> Entry:
        with _held(self.path) as descriptor:
            content = _whole(descriptor)
            lines = _lines(content)
            last = self._verified(lines) if verified else _last_chain(lines)
            entry = decide(Standing.of(_entry(line.told) for line in lines if line.told is not None))
            told = {name: value for name, value in asdict(entry).items() if name != "chain"}
            told["chain"] = _chain(last, told)
            # A line that ends with } is then a whole one, and one that does not was torn.
            text = json.dumps(told)[:-1].replace("}", "\\u007d") + "}\n"
            _append(descriptor, self.path, (b"\n" if content and not content.endswith(b"\n") else b"") + text.encode())
        return _entry(told)

    def _content(self) -> bytes:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""

    def _verified(self, lines: Iterable[_Line]) -> str:
        last, chained = "", False
        for line in lines:
            if line.torn:
                continue
            found = None if line.told is None else line.told.get("chain")
            last = "" if line.told is None else _chain(last, line.told)
            chained = chained or found is not None
            if line.told is None or (chained and found != last):
                what = "cannot be read" if line.told is None else "does not follow from what stands before it"
                raise Corrupt(
                    f"{self.path}, line {line.number} {what}: a line was changed or taken out; restore the file, or "
                    "move it away and promote again, which begins a new history"
                )
        return last


def _there(now: Standing, label: str) -> str:
    """The label; BadInput when its version was retired, which cannot be undone."""
    if label in now.retired:
        raise BadInput(f"{label} was retired and its label is not used again; choose another version or train again")
    return label


def _chain(last: str, told: Mapping[str, Any]) -> str:
    """The hash of a line, given that of the line before; its own `chain` does not count."""
    content = json.dumps({name: value for name, value in told.items() if name != "chain"}, sort_keys=True)
    return blake2b(f"{last}\n{content}".encode(), digest_size=16).hexdigest()


def _last_chain(lines: Iterable[_Line]) -> str:
    """What the next line goes on from when a history that may be damaged is gone on with: the hash that is told."""
    last = ""
    for line in lines:
        if line.told is not None:
            last = str(line.told.get("chain") or _chain(last, line.told))
    return last


def _lines(content: bytes) -> list[_Line]:
    parts = content.split(b"\n")
    return [_line(number, part) for number, part in enumerate(parts, 1) if part.strip()]


def _line(number: int, part: bytes) -> _Line:
    try:
        told = json.loads(part)
    except ValueError:  # UnicodeDecodeError is one
        told = None
    if isinstance(told, dict) and all(isinstance(told.get(name), str) for name in ("alias", "space")):
        return _Line(number, told, False)
    return _Line(number, None, not part.endswith(b"}"))


_KINDS = {one.name: (int, float) if one.name == "time" else str for one in fields(Entry)}


def _entry(told: Mapping[str, Any] | None) -> Entry:
    """A line as an Entry; keys of a newer Palate are left out."""
    values = {"why": "", "who": "", "time": 0.0}
    values |= {name: told[name] for name, kind in _KINDS.items() if told and isinstance(told.get(name), kind)}
    return Entry(**cast(dict[str, Any], values))


@contextmanager
def _held(path: Path) -> Iterator[int]:
    """The file, open for reading and adding, while nobody else decides anything; the lock dies with the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _whole(descriptor: int) -> bytes:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def _append(descriptor: int, path: Path, content: bytes) -> None:
    """One write, then the disk itself: the file, and the folder that names it."""
    written = os.write(descriptor, content)
    if written < len(content):  # what there is of it is a torn line, which readers pass over
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    os.fsync(descriptor)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
