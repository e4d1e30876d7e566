"""What a user asks for becomes a test, or a sentence that says what is missing."""

import pytest

from lab.listening_tests.made import a_home, a_test
from lab.listening_tests.sounds import write_folder
from palate.core.errors import BadInput
from palate.lab.listening_tests.making import Asked, Slates, new_test


def slates(home, wanted):
    """In the place of a trained home: as many listeners as were asked for."""
    return Slates(a_test(conditions=wanted.conditions, cases=wanted.listeners).cases, simulated=True)


def test_sounds_are_copied_into_the_home(tmp_path):
    folder = write_folder(tmp_path / "in")
    shelved = new_test(a_home(tmp_path / "home"), "mine", Asked(of="sounds", folder=folder), slates)
    test = shelved.test
    assert (test.of, test.conditions, test.per_rater) == ("sounds", ("anchor", "clicks", "reference"), 6)
    for case in test.cases:
        for condition, stimulus in case.stimuli.items():
            assert shelved.sound(stimulus).read_bytes() == (folder / condition / f"{case.id}.wav").read_bytes()


def test_the_name_says_what_is_compared_when_nothing_else_does(tmp_path):
    home = a_home(tmp_path)
    with pytest.raises(BadInput, match=r"no clips yet; give --from FOLDER .* ours, intro, random"):
        new_test(home, "clips", Asked(conditions=("ours", "intro", "random")), slates)
    with pytest.raises(BadInput, match="what does 'mine' compare"):
        new_test(home, "mine", Asked(), slates)


def test_slates_are_asked_of_the_home(tmp_path):
    home = a_home(tmp_path)
    test = new_test(home, "slates", Asked(pairs=5, conditions=("for_you", "random")), slates).test
    assert (len(test.cases), test.per_rater, test.simulated) == (5, 5, True)
    assert test.questions == ("Which list suits this listener better?",)
    assert len(new_test(home, "more", Asked(of="slates", pairs=5, cases=9), slates).test.cases) == 9
    with pytest.raises(BadInput, match="leave --from out"):
        new_test(home, "third", Asked(of="slates", folder=tmp_path), slates)


def test_questions_fit_the_kind(tmp_path):
    home = a_home(tmp_path)
    with pytest.raises(BadInput, match="add --question TEXT"):
        new_test(home, "slates", Asked(kind="questions"), slates)
    with pytest.raises(BadInput, match="asks one thing, got 2"):
        new_test(home, "slates", Asked(questions=("A?", "B?")), slates)
    test = new_test(home, "slates", Asked(kind="questions", questions=("A?", "B?")), slates).test
    assert test.questions == ("A?", "B?")
