"""A text file as blocks of whole lines, in bounded memory, packed or not."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from palate.core.errors import BadInput

BLOCK_BYTES = (
    8 * 2**20
)  # about 150,000 listens: long enough for vectors, short enough to read slowly when one row is bad
MAX_LINE_BYTES = 16 * 2**20  # longer is no row but a damaged file; only its beginning is kept
KEPT_OF_LONG_LINE = 1_000


def blocks_of_lines(path: Path, block_bytes: int = BLOCK_BYTES) -> Iterator[tuple[bytes, bool]]:
    """Gives (bytes, False) for each run of whole lines, ending in a line feed except perhaps the last.

    A line over MAX_LINE_BYTES comes alone as (its first KEPT_OF_LONG_LINE bytes, True). CRLF becomes LF and a UTF-8
    byte order mark is dropped. BadInput for UTF-16, and for a packed file that is damaged.
    """
    rest, skipping = b"", False
    for number, piece in enumerate(_pieces(path, block_bytes)):
        data = rest + (_without_mark(piece, path) if number == 0 else piece)
        if skipping:
            end = data.find(b"\n")
            if end < 0:
                rest = b""
                continue
            data, skipping = data[end + 1 :], False
        cut = data.rfind(b"\n") + 1
        if cut:
            yield data[:cut].replace(b"\r\n", b"\n"), False
        rest = data[cut:]
        if len(rest) > MAX_LINE_BYTES:
            yield rest[:KEPT_OF_LONG_LINE], True
            rest, skipping = b"", True
    if rest:
        yield rest.removesuffix(b"\r"), False


def _without_mark(piece: bytes, path: Path) -> bytes:
    if piece.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadInput(f"{path} is UTF-16 text; save it as UTF-8 and import it again")
    return piece.removeprefix(b"\xef\xbb\xbf")


def _pieces(path: Path, block_bytes: int) -> Iterator[bytes]:
    packed = path.name.lower().endswith(".gz")
    total = 0
    try:
        with cast(IO[bytes], gzip.open(path, "rb") if packed else path.open("rb")) as file:
            while piece := file.read(block_bytes):
                total += len(piece)
                yield piece
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadInput(
            f"{path} is damaged after {total:,} unpacked bytes ({error}); get the file again "
            "(rows before that may have been imported, and importing them again changes nothing)"
        ) from error
