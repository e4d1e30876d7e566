"""Sentences in other words, by a language model of the operator's choice; off until an address is set.

The address speaks the OpenAI dialect (/v1/chat/completions). It gets a sentence and its evidence without names, and
what it gives is checked (rewording.py); whatever is wrong with it, our own sentence stays. Answers do not wait for it
unless they ask to: what it gave once is kept, and what it has not been asked is asked aside.
"""

import http.client
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from urllib.parse import urlsplit

import orjson

from palate.core.slate import Slate, SlateItem
from palate.surfaces.rewording import Masked, masked, refusal

MOST_BYTES = 65_536  # of a reply
MOST_WAITING = 200  # sentences that are to be asked; more are left as they are
REST_SECONDS = 30.0  # without asking, once the address did not answer
ASKED_AT_ONCE = 2
MOST_PATIENT = 8  # answers that wait at once; another does not wait, so that the server's threads stay free
TASK = (
    "You reword one sentence that tells a listener why an item was recommended. Keep its meaning exactly. Keep every"
    " NAME_ placeholder, every number with the word behind it in the same order, and words like not, last, ago, here."
    " Add nothing. Reply with one short sentence and nothing else."
)

Names = Callable[[str], list[str]]  # an item id -> what the item may be called


@dataclass(frozen=True)
class RephraseSettings:
    """Who may say the reasons in other words ([rephrase] in palate.toml). Only the operator names the address."""

    SECTION: ClassVar[str] = "rephrase"

    address: str = ""  # e.g. "http://127.0.0.1:11434/v1/chat/completions"; empty: nobody is asked
    model: str = ""  # as that server calls it
    key_variable: str = "PALATE_REPHRASE_KEY"  # the environment variable that holds the key, if one is needed
    timeout_seconds: float = 2.0  # for one reply, and for an answer that waits
    kept: int = 10_000  # sentences that are remembered

    def __post_init__(self) -> None:
        if self.address:
            parts = urlsplit(self.address)
            if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
                raise ValueError(
                    f"address = {self.address!r} must be http://HOST... or https://HOST..., without a login"
                )
            if not 0 <= (parts.port or 0) <= 65_535:
                raise ValueError(f"address = {self.address!r} has an impossible port")
        if not 0.05 <= self.timeout_seconds <= 60.0:
            raise ValueError(f"timeout_seconds = {self.timeout_seconds} must be from 0.05 to 60")
        if not 1 <= self.kept <= 10_000_000:
            raise ValueError(f"kept = {self.kept} must be from 1 to 10,000,000")


class Rephraser:
    """Rewords the reasons of slates. Threads may share it; `close` it at the end.

    count: told "kept", "accepted", "refused", "failed" or "left" for each sentence, for metrics
    """

    def __init__(self, settings: RephraseSettings, count: Callable[[str], None] = lambda _: None) -> None:
        self.settings, self._count = settings, count
        self._kept: OrderedDict[bytes, str] = OrderedDict()
        self._waiting: dict[bytes, Future[None]] = {}
        self._turn, self._rest_until = threading.Lock(), 0.0
        self._patience = threading.BoundedSemaphore(MOST_PATIENT)
        self._workers = ThreadPoolExecutor(ASKED_AT_ONCE, "rephrase")

    @property
    def on(self) -> bool:
        """Whether an address is set."""
        return bool(self.settings.address)

    def reworded(self, slate: Slate, names: Names, patient: bool = False) -> Slate:
        """The slate with those reasons in other words that are known; the others are asked for aside.

        patient: waits for them, `timeout_seconds` for all together at most; not when MOST_PATIENT do so already.
        """
        if not self.on:
            return slate
        items = {id(item): item for item in _all_items(slate)}
        asked = {place: self._key(item) for place, item in items.items()}
        pending = [one for place, key in asked.items() if (one := self._ask(key, items[place], names)) is not None]
        if patient and pending and self._patience.acquire(blocking=False):
            try:
                wait(pending, self.settings.timeout_seconds)
            finally:
                self._patience.release()
        with self._turn:
            said = {place: self._kept.get(key, items[place].reason) for place, key in asked.items()}

        def worded(some: list[SlateItem]) -> list[SlateItem]:
            return [replace(item, reason=said[id(item)]) for item in some]

        shelves = [replace(shelf, items=worded(shelf.items)) for shelf in slate.shelves]
        return replace(slate, items=worded(slate.items), shelves=shelves)

    def close(self) -> None:
        """Drops what waits; what is being asked ends by itself within its time."""
        self._workers.shutdown(wait=False, cancel_futures=True)

    @staticmethod
    def _key(item: SlateItem) -> bytes:
        return orjson.dumps((item.reason, item.evidence), option=orjson.OPT_SORT_KEYS)

    def _ask(self, key: bytes, item: SlateItem, names: Names) -> "Future[None] | None":
        """What to wait for; None when it is known, or will not be asked now."""
        with self._turn:
            if key in self._kept:
                self._kept.move_to_end(key)
                self._count("kept")
                return None
            if key in self._waiting:
                return self._waiting[key]
            if len(self._waiting) >= MOST_WAITING or time.monotonic() < self._rest_until:
                self._count("left")
                return None
            future = self._workers.submit(self._learn, key, item, names)
            self._waiting[key] = future
            return future

    def _learn(self, key: bytes, item: SlateItem, names: Names) -> None:
        """Asks once, and keeps what may be said: theirs when it is true, else ours, so that it is not asked again."""
        told, result = item.reason, "failed"
        try:
            if time.monotonic() >= self._rest_until:
                called = [name for one in item.evidence for name in _names_in(one, names)]
                said = masked(item.reason, item.evidence, [*called, *names(item.item_id)])
                answer = _reply(self.settings, said)
                result = "accepted" if refusal(answer, said) is None else "refused"
                told = said.named(str(answer)) if result == "accepted" else told
        except (OSError, http.client.HTTPException, ValueError):
            self._rest_until = time.monotonic() + REST_SECONDS
        with self._turn:
            self._waiting.pop(key, None)
            if result != "failed":
                self._kept[key] = told
                while len(self._kept) > self.settings.kept:
                    self._kept.popitem(last=False)
        self._count(result)


def _all_items(slate: Slate) -> Iterator[SlateItem]:
    yield from slate.items
    for shelf in slate.shelves:
        yield from shelf.items


def _names_in(one: dict[str, Any], names: Names) -> list[str]:
    """What a piece of evidence names: its texts, and its item by what that is called."""
    texts = [value for key, value in one.items() if key != "type" and isinstance(value, str)]
    people = [str(name) for value in one.values() if isinstance(value, dict) for name in value]
    return [*texts, *people, *(names(one["item_id"]) if "item_id" in one else [])]


def _reply(settings: RephraseSettings, said: Masked) -> object:
    """What the model says; OSError, HTTPException or ValueError when nothing usable comes within the time and size.

    No redirects are followed and no proxy of the environment is used: only the configured address is spoken to.
    """
    parts = urlsplit(settings.address)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=settings.timeout_seconds)
    ends = threading.Timer(settings.timeout_seconds, _cut, [connection])  # a reply in drops renews the socket's timeout
    ends.daemon = True
    ends.start()
    try:
        path = (parts.path or "/v1/chat/completions") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, _body(settings, said), _headers(settings))
        response = connection.getresponse()
        body = response.read(MOST_BYTES + 1)
        if response.status != 200 or len(body) > MOST_BYTES:
            raise ValueError(f"status {response.status} with {len(body)} bytes or more")
        return _content(orjson.loads(body))
    finally:
        ends.cancel()
        connection.close()


def _cut(connection: http.client.HTTPConnection) -> None:
    if connection.sock is not None:
        try:
            connection.sock.shutdown(2)
        except OSError:
            return  # it has ended by itself


def _body(settings: RephraseSettings, said: Masked) -> bytes:
    told = orjson.dumps({"sentence": said.sentence, "evidence": said.evidence}).decode()
    messages = [{"role": "system", "content": TASK}, {"role": "user", "content": told}]
    return orjson.dumps({"model": settings.model, "messages": messages, "max_tokens": 80, "temperature": 0.7})


def _headers(settings: RephraseSettings) -> dict[str, str]:
    key = os.environ.get(settings.key_variable, "")
    return {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})


def _content(reply: Any) -> object:
    """The text of the first choice; ValueError for another shape."""
    try:
        content = reply["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError("no choices[0].message.content in the reply") from error
    return content.strip() if isinstance(content, str) else content
