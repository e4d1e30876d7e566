import json

import pytest


@pytest.mark.slow
def test_a_profile_in_words_and_json(palate, own):
    with own.settings.open("a", encoding="utf-8") as toml:
        toml.write("\n[budgets]\nspace_mb_most = 0.001\n")
    found = palate(own, "lab", "profile", "--batch", "1", "--seconds", "0.01", "--json")
    assert found.exit_code == 0, found.stderr
    told = json.loads(found.stdout)
    assert [line["model"] for line in told["lines"]] == ["encoder", "index", "ranker", "for_you"]
    assert any("space_mb_most" in sentence for sentence in told["broken"])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--batch", "one"], "--batch 'one' is not a list of sizes"),
        (["--batch", "0"], "batch sizes from 1"),
        (["--seconds", "-2"], "cannot be measured"),
        (["taste@99"], "no space 'taste@99'"),
    ],
)
def test_what_cannot_be_profiled_is_one_sentence(palate, trained, words, sentence):
    found = palate(trained, "lab", "profile", *words)
    assert found.exit_code == 1
    assert sentence in found.stderr
    assert found.stderr.count("\n") == 1
