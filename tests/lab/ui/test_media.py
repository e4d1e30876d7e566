"""Pictures and sounds of a run: from its media folder, and from nowhere else."""

import pytest

from palate.core.recording import Audio, Image

SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture
def run(start, tmp_path):
    (tmp_path / "tone.wav").write_bytes(b"RIFF" + bytes(range(40)))
    with start(name="a") as run:
        run.log({"curve": Image(SVG), "tone": Audio(tmp_path / "tone.wav")})
    return run


def address(get, name):
    file = next(one for one in get("/api/runs/a")["files"] if one["name"] == name)
    return f"/api/runs/a/media/{file['path'].removeprefix('media/')}"


def test_a_picture_opened_by_itself_may_do_nothing(run, get, client):
    answer = client.get(address(get, "curve"))
    assert answer.text == SVG
    assert answer.headers["content-type"].startswith("image/svg+xml")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert policy.endswith("sandbox")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_sound_can_be_listened_to_from_the_middle(run, get, client):
    answer = client.get(address(get, "tone"), headers={"Range": "bytes=4-7"})
    assert (answer.status_code, answer.content) == (206, bytes(range(4)))
    assert answer.headers["content-type"] == "audio/wav"


@pytest.mark.parametrize(
    "name",
    [
        "run.json",
        "..%2Frun.json",
        "%2e%2e%2Fjournal.jsonl",
        "%2e%2e",
        "secret.wav",
        "link.wav",
        "a%00.wav",
        "%2Fetc%2Fpasswd",
    ],
)
def test_nothing_else_is_served(run, client, tmp_path, name):
    (tmp_path / "secret.wav").write_bytes(b"not of this run")
    (run.folder / "media" / "link.wav").symlink_to(tmp_path / "secret.wav")
    answer = client.get(f"/api/runs/a/media/{name}")
    assert answer.status_code == 404
    assert b"not of this run" not in answer.content
