"""`slowburn.toml`: what it says holds below options and `--set`, and what is wrong in it is told with its line."""

from pathlib import Path

import pytest

from flows.run_name import asked_config
from lm.cli.request import Request, read_request
from lm.errors import BadInput
from lm.run_config import RunConfig
from lm.settings.file import read_settings_file, with_settings_file
from lm.settings.model import Settings
from lm.settings.template import settings_template

FILE = """
corpus = "notes"
minutes = 20
memory = "2GiB"

[train]
layers = 3
steps = 100

[policy.good_time]
busy_percent = 40
"""


def settings_file(folder: Path, text: str = FILE) -> Path:
    path = folder / "slowburn.toml"
    path.write_text(text, encoding="utf-8")
    return path


def asked(*settings: str, steps: int | None = None, named_file: Path | None = None, corpus: str = "") -> Request:
    return read_request((corpus,) if corpus else (), settings, steps, named_file)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_option_wins_over_set_over_file_over_default(here: Path) -> None:
    """Each says only what it says: a file's other settings hold beside a `--set` of the same table."""
    settings_file(here)
    request = asked("train.layers=4", "train.steps=7", "policy.margin=0.1", steps=40)
    found = Request(request.values, request.settings, retrains=True)
    settings = found.resolved
    assert (settings.train.steps, settings.train.layers, settings.minutes, settings.seeds) == (40, 4, 20, 1)
    assert settings.download.corpus == ("notes",)
    assert (settings.policy.good_time.busy_percent, settings.policy.margin) == (40, 0.1)
    names = ("train.steps", "train.layers", "minutes", "download.corpus", "policy.good_time.busy_percent", "seeds")
    assert [found.origin(name) for name in names] == [
        "--steps",
        "--set",
        "slowburn.toml, line 3",
        "slowburn.toml, line 2",
        "slowburn.toml, line 11",
        "default",
    ]


def test_a_run_takes_no_policy_by_set(here: Path) -> None:
    """The file serves both commands; what is typed for the wrong one is refused."""
    settings_file(here)
    assert asked().config().minutes == 20
    with pytest.raises(BadInput, match="slowburn retrain"):
        asked("policy.when=always").config()


def test_no_settings_come_from_inside_a_corpus(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder of texts may come from others: its file is left, which is said; where it is named, it is refused."""
    path = settings_file(here)
    assert asked(corpus=".").config().minutes == 3
    assert "slowburn.toml is not read: it lies in the corpus ." in capsys.readouterr().err
    with pytest.raises(BadInput, match=f"slowburn.toml lies in the corpus {here.parent}: keep"):
        asked(f"download.corpus=[python-docs, {here.parent}]", named_file=path).config()
    settings_file(here, f"corpus = ['{here}']")
    with pytest.raises(BadInput, match="keep settings outside"):
        asked().config()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("minutes = 3\n\n[train]\nstepz = 3", "line 4: unknown setting train.stepz: did you mean train.steps"),
        ("[tran]\nsteps = 3", "line 1: unknown setting tran: did you mean train"),
        ("# more\nminutes = -1", "line 2: minutes: got -1: Input should be greater than 0"),
        ("corpus = [\n'a',\n3]", "line 1: download.corpus.1: got 3"),
        ("train = 3", "line 1: train: got 3"),
        ("[download]\ncorpus = ['x']\n[clean]\nseed = 'a'", "line 4: clean.seed: got 'a'"),
        ("[policy]\nwhen = 'often'", "line 2: policy.when: got 'often'"),
        ("minutes =\nseeds = 1", "is no TOML: Invalid value (at line 1, column 10)"),
        ("\nminutes =", "is no TOML: Invalid value (at line 2, which is the last)"),
        ("minutes = 1\nminutes = 2\n", "is no TOML: Cannot overwrite a value (at line 2"),
        ("corpus = 'a'\n[download]\ncorpus = ['b']", "line 1: got both corpus and download.corpus"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    """File, line, what was got, and the near name."""
    path = settings_file(tmp_path, text)
    with pytest.raises(BadInput) as error:
        read_settings_file(path)
    assert said in str(error.value)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    """Missing, a folder, or no UTF-8."""
    (tmp_path / "latin.toml").write_bytes(b"minutes = 3\n# caf\xe9\n")
    for name, said in (("none.toml", "No such file"), (".", "Is a directory"), ("latin.toml", "line 2: got bytes")):
        with pytest.raises(BadInput, match=said):
            read_settings_file(tmp_path / name)


def test_what_init_writes_says_the_same_again(tmp_path: Path) -> None:
    """Every setting is in it, those with their default in a comment; once uncommented they change nothing."""
    settings = Settings.model_validate(
        {
            "minutes": 20,
            "download": {"corpus": ['a "b"', "ü"]},
            "train": {"muon_rate": 0.00001},
            "policy": {"disk": "5GiB"},
        }
    )
    text = settings_template(settings)
    assert Settings.model_validate(read_settings_file(settings_file(tmp_path, text)).tree) == settings
    spoken = "\n".join(line.removeprefix("# ") if " = " in line else line for line in text.split("\n"))
    tree = read_settings_file(settings_file(tmp_path, spoken)).tree
    assert Settings.model_validate(tree) == settings
    assert tree["generate"]["temperature"] == RunConfig().generate.temperature


def test_a_deployment_takes_the_same_file(tmp_path: Path) -> None:
    """What its own parameters say wins; the settings of a stage's deployment lie over both."""
    path = str(settings_file(tmp_path))
    config = RunConfig.model_validate({"minutes": 60, "train": {"layers": 6}})
    found = asked_config(config, path, settings=["train.seed=9"])
    assert (found.minutes, found.memory, found.download.corpus) == (60, "2GiB", ("notes",))
    assert (found.train.layers, found.train.steps, found.train.seed) == (6, 100, 9)
    retraining = with_settings_file(path, RunConfig(), Settings().policy)
    assert retraining.policy.good_time.busy_percent == 40
    with pytest.raises(BadInput, match="settings_file"):
        asked_config(RunConfig(), path, like="newest")
