"""A report on paper: printed to a PDF by a browser of the Chromium family that is installed."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from palate.core.artefacts import atomic_file
from palate.core.errors import PalateError

BROWSERS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge",
    "microsoft-edge-stable", "msedge", "brave-browser",
)  # fmt: skip
# Where they stand on a Mac, which puts programs with a window on no PATH.
APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
TIMEOUT_SECONDS = 120.0


def find_browser() -> str:
    """The browser that PALATE_BROWSER names, else the first of BROWSERS; PalateError with the remedy without one."""
    wanted = os.environ.get("PALATE_BROWSER")
    if wanted:
        found = shutil.which(wanted)
        if found is None:
            raise PalateError(f"PALATE_BROWSER={wanted!r} is no program; give the path of a Chromium, Chrome or Edge")
        return found
    places: list[str] = [*BROWSERS, *APPLICATIONS]  # a path that is not there is not found, on any system
    for name in places:
        found = shutil.which(name)
        if found is not None:
            return found
    raise PalateError(
        "a PDF needs Chromium, Chrome or Edge, and none was found; open the page in any browser and print it to a "
        "file, or install one and set PALATE_BROWSER to its path"
    )


def write_pdf(page: Path, pdf: Path) -> Path:
    """Prints an HTML file to `pdf`, which is replaced only by a whole one; PalateError says what the browser said.

    The pages hold the time at which they were printed, so two PDFs of one page are not the same bytes.
    """
    browser = find_browser()
    with (
        tempfile.TemporaryDirectory(prefix="palate-print-", ignore_cleanup_errors=True) as profile,
        atomic_file(pdf) as out,
    ):
        try:
            done = subprocess.run(
                _command(browser, page, out, profile), capture_output=True, timeout=TIMEOUT_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise PalateError(f"{browser} did not print {page} in {TIMEOUT_SECONDS:.0f} s; print it by hand") from error
        except OSError as error:
            raise PalateError(
                f"{browser} cannot be started ({error.strerror}); set PALATE_BROWSER to one that can"
            ) from error
        if done.returncode != 0 or not out.is_file() or out.read_bytes()[:5] != b"%PDF-":
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["it said nothing"]
            raise PalateError(f"{browser} printed no PDF of {page} ({said[0]}); open the page and print it by hand")
    return pdf


def _command(browser: str, page: Path, pdf: Path, profile: str) -> Sequence[str]:
    """A profile of its own, so that a browser that is open already is not asked, and nothing of it is read."""
    # Chromium refuses to start its sandbox as root (containers). Nobody else goes without: the page has no script and
    # loads nothing, but names in it come from outside.
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [
        browser, "--headless", *(["--no-sandbox"] if is_root else []), "--disable-gpu", "--disable-extensions",
        "--disable-background-networking", "--no-first-run", f"--user-data-dir={profile}", "--no-pdf-header-footer",
        f"--print-to-pdf={pdf.resolve()}", page.resolve().as_uri(),
    ]  # fmt: skip
