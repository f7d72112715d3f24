"""The console script `slowburn`, and the older ways to start the same commands."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from flows.cli.main import ENTRIES, slowburn
from flows.cli.prefect_settings import PROJECT, use_project_settings
from flows.commands.launch import check_request
from lm.cli.command import ASKED, Command, Option, command_line
from lm.cli.request import read_request
from lm.errors import BadInput

NAMES = [entry.name for entry in ENTRIES]
OF_THE_RUN = {"run_id", "until", "replan", "without_prefect", "opens_report"}
HEAVY = ("prefect", "torch", "pydantic", "rich", "numpy")


def run(*arguments: str, cwd: Path = PROJECT, **environment: str) -> "subprocess.CompletedProcess[str]":
    there = os.environ | {"PYTHONPATH": str(PROJECT)} | environment
    return subprocess.run([sys.executable, *arguments], cwd=cwd, env=there, capture_output=True, text=True)


def read(name: str, *arguments: str) -> dict[str, Any]:
    """What a command makes of these arguments."""
    command = slowburn().load(name)
    return command.make_context(name, list(arguments)).params


@pytest.mark.parametrize("name", NAMES)
def test_every_option_is_explained(name: str) -> None:
    """`--help` says what the command does, and of every option what it means."""
    command = slowburn().load(name)
    ctx = click.Context(command, info_name=name)
    assert command.name == name
    assert command.help
    assert command.help.split("\n")[0].endswith(".")
    for option in command.get_params(ctx):
        assert not isinstance(option, Option) or option.help, option.name
    assert f"Usage: {name}" in command.get_help(ctx)


@pytest.mark.parametrize("arguments", ["'--version'", "'--help'"])
def test_it_is_quick_to_answer(arguments: str) -> None:
    """What it is and what it can do is said before anything heavy is loaded."""
    script = (
        "import sys; from flows.cli.main import slowburn\n"
        f"slowburn().main([{arguments}], prog_name='slowburn', standalone_mode=False)\n"
        f"print('loaded', [name for name in {HEAVY} if name in sys.modules])"
    )
    done = run("-c", script)
    assert done.stdout.startswith(("slowburn 0.", "Usage: slowburn"))
    assert done.stdout.splitlines()[-1] == "loaded []", done.stderr


def test_no_command_loads_prefect_before_it_runs() -> None:
    """So that help and completion are quick, and Ctrl-C is heard while Prefect loads."""
    script = (
        "import sys; from flows.cli.main import ENTRIES, slowburn\n"
        "for entry in ENTRIES: slowburn().load(entry.name)\n"
        "print('prefect' in sys.modules)"
    )
    assert run("-c", script).stdout.strip() == "False"


@pytest.mark.parametrize(
    ("arguments", "corpus", "settings"),
    [
        (["--corpus", "a", "b", "--set", "x=1", "y=2", "--minutes", "3"], ("a", "b"), ("x=1", "y=2")),
        (["--set", "x=1", "--corpus", "my notes", "--set", "y=2", "z=3"], ("my notes",), ("x=1", "y=2", "z=3")),
        (["--corpus=a", "--corpus", "b", "c"], ("a", "b", "c"), ()),
        (["--corpus", "--set", "x=1"], None, None),
        (["--set"], None, None),
        (["--corpus", "a", "--minutes", "3", "b"], None, None),
    ],
)
def test_several_words_follow_one_option(arguments: list[str], corpus: Any, settings: Any) -> None:
    """As many as there are, up to the next option; none is an error, and so is a word that belongs to nothing."""
    if corpus is None:
        with pytest.raises(click.UsageError):
            read("run", *arguments)
        return
    found = read("run", *arguments)
    assert (found["corpus"], found["settings"]) == (corpus, settings)


def test_what_is_not_asked_for_is_left_to_the_config() -> None:
    """No option has a default of its own beside the setting's."""
    asked = read("run")
    shared = ("minutes", "deadline", "seeds", "memory", "init_from", "like", "run_id")
    assert {asked[name] for name in shared} == {None}
    assert (asked["corpus"], asked["settings"], asked["until"], asked["replan"]) == ((), (), "generate", False)
    assert read("run", "--deadline")["deadline"] is True


def test_a_command_can_be_given_again() -> None:
    """A run keeps the command that it was started with: the program as it was called, and the words in quotes."""
    command = slowburn().load("run")
    assert isinstance(command, Command)
    words = ["--corpus", "my notes", "b", "--minutes", "3"]
    ctx = command.make_context("python -m flows.pipeline", list(words))
    assert ctx.meta[ASKED] == words
    assert command_line(ctx) == "python -m flows.pipeline --corpus 'my notes' b --minutes 3"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--corpus", "lovecrat"], "lovecraft"),
        (["--corpus", "no/such/file.txt"], "no/such/file.txt"),
        (["--corpus", "file:///etc/passwd"], "https://"),
        (["--set", "train.stepz=3"], "train.steps"),
        (["--set", "train.steps=many"], "train.steps"),
        (["--set", "train.steps=0"], "train.steps"),
        (["--set", "train.width=100", "train.heads=3"], "width"),
        (["--set", "minutes"], "name=value"),
        (["--memory", "lots"], "2GiB"),
        (["--minutes", "-1"], "minutes"),
        (["--run-id", "../../escape"], "run id"),
    ],
)
def test_what_can_never_work_is_refused_before_anything_starts(arguments: list[str], says: str) -> None:
    """What was got, what was expected, what to do, in one line."""
    asked = read("run", *arguments)
    with pytest.raises(BadInput, match=re.escape(says)) as refused:
        request = read_request(**{name: asked[name] for name in asked.keys() - OF_THE_RUN})
        check_request(request.config(), asked["run_id"])
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-m", "flows", "rnu"], "slowburn: No such command 'rnu'. Did you mean 'run'?"),
        (["-m", "flows", "run", "--minute", "3"], "slowburn run: No such option '--minute'. Did you mean '--minutes'?"),
        (["-m", "flows", "run", "--run-id", "a/b"], "run id: got 'a/b', expected up to 80 letters"),
        (["-m", "lm", "inspect", "--why", "--source", "x"], "python -m lm inspect: got both --why and --source"),
        (["-m", "flows.server", "upp"], "python -m flows.server: No such command 'upp'. Did you mean 'up'?"),
        (["-m", "flows.pipeline", "--until", "later"], "python -m flows.pipeline: Invalid value for '--until'"),
        (["-m", "flows.retrain", "--when", "often"], "python -m flows.retrain: Invalid value for '--when'"),
    ],
)
def test_what_cannot_be_understood_is_one_line(arguments: list[str], said: str) -> None:
    """The exit code is 2, the line says what was got, and which word is near; so do the older ways to start."""
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(said), done.stderr
    assert done.stderr.count("\n") == 1


def test_shells_complete_names_without_loading_commands() -> None:
    """Completing the name of a command is done while the key is still warm."""
    words: dict[str, Any] = {"_SLOWBURN_COMPLETE": "bash_complete", "COMP_WORDS": "slowburn com", "COMP_CWORD": "1"}
    done = run("-c", "import sys; from flows.start import main; sys.exit(main())", **words)
    assert done.stdout.split() == ["plain,compare", "plain,compare-tokenizers", "plain,completion"]
    script = run("-m", "flows", "completion", "fish")
    assert "complete --no-files --command slowburn" in script.stdout


def test_a_bug_report_holds_what_is_needed_and_nothing_private(tmp_path: Path) -> None:
    """Versions, machine, limits, places; no secret that the environment holds, no name of a home folder."""
    home = tmp_path / "home" / "alice"
    home.mkdir(parents=True)
    secrets = {"PREFECT_API_KEY": "hush", "HTTPS_PROXY": "http://alice:hush@proxy", "OMP_NUM_THREADS": "2"}
    places = {"HOME": str(home), "USERPROFILE": str(home), "SLOWBURN_ROOT": str(home / "models")}
    done = run("-m", "lm", "doctor", "--json", cwd=tmp_path, **secrets, **places)
    facts = json.loads(done.stdout)
    assert "hush" not in done.stdout
    assert "alice" not in done.stdout
    assert facts["environment"]["PREFECT_API_KEY"] == "set"
    assert facts["environment"]["OMP_NUM_THREADS"] == "2"
    assert facts["versions"]["torch"]
    assert facts["machine"]["device"].startswith("torch ")
    assert facts["places"]["root"].startswith(f"~{os.sep}models (SLOWBURN_ROOT says so)")


def test_the_projects_settings_of_prefect_hold_in_every_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database stays in the checkout and nothing is sent to anybody, wherever `slowburn run` is typed."""
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONSAFEPATH", "")
    monkeypatch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "kept as it is")
    with monkeypatch.context() as inside:
        before = dict(os.environ)
        use_project_settings()
        settings = {name: value for name, value in os.environ.items() if name not in before}
        for name in settings:
            inside.delenv(name)
    assert settings["PREFECT_HOME"] == str(PROJECT / ".prefect")
    assert "PREFECT_SERVER_ANALYTICS_ENABLED" not in settings
    names = "from prefect.settings import Settings; s = Settings(); print(s.home, s.server.analytics_enabled)"
    done = run("-c", names, cwd=tmp_path, **settings | {"PREFECT_SERVER_ANALYTICS_ENABLED": "false"})
    assert done.stdout.split() == [str(PROJECT / ".prefect"), "False"]
