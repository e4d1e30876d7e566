"""The report of an evaluation in a real browser: it fits a phone and a desk, and what is chosen is shown."""

import struct
from pathlib import Path

import pytest

from evaluation.report.fabricated import crowded, full
from palate.evaluation.report.page import page

pytestmark = pytest.mark.slow

REPORTS = {"full": lambda: full(simulated=True), "crowded": crowded}
# The page itself may run no script; a page around it measures how wide it wants to be.
FRAME = """<!doctype html><iframe src="report.html" style="width:{width}px;height:900px;border:0"></iframe><script>
onload = () => {{
  const page = document.querySelector("iframe").contentDocument;
  const shown = [...page.querySelectorAll("#task-0 .pane")].map(one => +(one.getBoundingClientRect().height > 0));
  document.body.append(`wants ${{page.documentElement.scrollWidth}} pixels, shows panes ${{shown.join("")}}`);
}}</script>"""


@pytest.fixture
def kept(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A fabricated report as a file."""
    file = tmp_path / "report.html"
    file.write_text(page(REPORTS[request.param]()), encoding="utf-8")
    return file


@pytest.mark.parametrize("kept", REPORTS, indirect=True)
@pytest.mark.parametrize("width", [360, 390, 1280])
def test_nothing_sticks_out_at_the_side(browse, kept, width):
    kept.with_name("frame.html").write_text(FRAME.format(width=width), encoding="utf-8")
    dom = browse(kept.with_name("frame.html").as_uri(), "--dump-dom", "--allow-file-access-from-files")
    assert f"wants {width} pixels" in dom


@pytest.mark.parametrize("kept", ["full"], indirect=True)
def test_one_metric_is_shown(browse, kept):
    kept.with_name("frame.html").write_text(FRAME.format(width=1280), encoding="utf-8")
    dom = browse(kept.with_name("frame.html").as_uri(), "--dump-dom", "--allow-file-access-from-files")
    assert "shows panes 100000" in dom


@pytest.mark.parametrize("kept", ["full"], indirect=True)
@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 900)])
def test_a_picture_of_it_is_no_empty_sheet(browse, kept, tmp_path, width, height):
    picture = tmp_path / "report.png"
    browse(kept.as_uri(), f"--screenshot={picture}", f"--window-size={width},{height}")
    data = picture.read_bytes()
    assert struct.unpack(">II", data[16:24]) == (width, height)
    assert len(data) > 20_000


@pytest.mark.parametrize("kept", ["full"], indirect=True)
def test_it_can_be_printed(browse, kept, tmp_path):
    paper = tmp_path / "report.pdf"
    browse(kept.as_uri(), f"--print-to-pdf={paper}")
    assert paper.read_bytes()[:5] == b"%PDF-"
