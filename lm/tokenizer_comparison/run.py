"""A comparison of tokenizers from beginning to end: settled once, kind after kind in supervised children, kept."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from lm.clean.metrics import CleanMetrics
from lm.errors import CannotFit, OutOfMemory
from lm.memory.budget import Budget, advise, check_fits
from lm.model.config import TrainingConfig
from lm.planning.candidates import fitting
from lm.planning.jobs import try_training
from lm.planning.measuring import measured_machine
from lm.planning.plan import trial_seconds
from lm.planning.training_text import TrainingText
from lm.planning.training_time import seconds_of_steps
from lm.progress import Progress
from lm.run_config import RunConfig
from lm.store.artifacts import Artifact, Store
from lm.store.files import locked, move, read_json, read_record, remake_advice, write_record
from lm.store.integrity import check
from lm.store.keys import artifact_key
from lm.supervision.supervisor import SupervisedChild
from lm.supervision.training_lock import training_lock
from lm.tokenize.config import TOKENIZER_FILE, TokenizeConfig
from lm.tokenize.memory import predict_tokenizing
from lm.tokenizer.kinds import KINDS, Kind
from lm.tokenizer.special_tokens import BYTE_VOCAB_SIZE
from lm.tokenizer_comparison.comparison import Setup, TokenizerContest, Tokens, TrialScore, conclude, equal_compute
from lm.tokenizer_comparison.jobs import make_trial_tokens, try_tokenizer
from lm.tokenizer_comparison.trial import RESULT_FILE as TRIAL_FILE
from lm.tokenizer_comparison.trial import TOKENS, TOKENS_FILE
from lm.train.memory import min_run_bytes

VERSION = 1
FOLDER = "tokenizers"
SETUP_FILE, RESULT_FILE = "setup.json", "comparison.json"

Tell = Callable[[str], object]


def compare_tokenizers(
    store: Store, clean: Artifact, minutes: float, budget: Budget, progress: Progress, tell: Tell
) -> TokenizerContest:
    """Compare all kinds of tokenizers on a clean text, in about `minutes` of training all together.

    What is done is kept: the same call goes on where it was interrupted, and reads the result once there is one.

    Raises CannotFit with the least budget that would do; Stopped, such as OutOfMemory, with all saved.
    """
    key = artifact_key("compare-tokenizers", VERSION, {"minutes": minutes}, {"clean": clean.key})
    folder = store.root / "artifacts" / FOLDER / key
    if (folder / RESULT_FILE).exists():
        return read_record(folder / RESULT_FILE, TokenizerContest, remake_advice(folder))
    with _alone(folder) as partial:
        contest = _Contest(store, clean, minutes, budget, partial, progress, tell).hold(key)
        for kind in KINDS:
            shutil.copyfile(partial / kind / TOKENS / TOKENIZER_FILE, partial / f"{kind}.model")
        write_record(partial / RESULT_FILE, contest.model_dump(mode="json"))
        for done in (*KINDS, SETUP_FILE):
            (shutil.rmtree if (partial / done).is_dir() else Path.unlink)(partial / done)
        shutil.rmtree(folder, ignore_errors=True)
        move(partial, folder)
    return contest


@contextmanager
def _alone(folder: Path) -> Iterator[Path]:
    """The folder in which a comparison is made, locked. Raises Stopped when another process is at it."""
    partial = folder.with_name(f".{folder.name}.partial")
    partial.mkdir(parents=True, exist_ok=True)
    busy = "another process makes this same comparison: wait for it, then run this again"
    with locked(folder.with_name(f".{folder.name}.lock"), 0, busy):
        yield partial


class _Contest:
    def __init__(
        self, store: Store, clean: Artifact, minutes: float, budget: Budget, partial: Path, report: Progress, tell: Tell
    ) -> None:
        self.store, self.clean, self.minutes, self.budget = store, clean, minutes, budget
        self.partial, self.report, self.tell = partial, report, tell
        self.text = clean.read_metrics(CleanMetrics)
        self.train_bytes = self.text.train_bytes

    def hold(self, key: str) -> TokenizerContest:
        """Every kind tokenizes, then every kind trains: only then is it known what compute suits them all."""
        check_fits("compare-tokenizers", min_run_bytes(), self.budget)
        check(self.clean)
        setup = self._setup()
        configs = {kind: self._config(kind, setup) for kind in KINDS}
        needed = max(
            predict_tokenizing(config, self.train_bytes, self.text.longest_document_bytes, self.text.unspaced_share)
            for config in configs.values()
        )
        check_fits("compare-tokenizers", needed, self.budget)
        made = {kind: self._tokens(kind, config) for kind, config in configs.items()}
        recipes = equal_compute(setup, made)
        with training_lock(self.store, key, "compare-tokenizers", self.tell):
            results = {kind: self._trial(kind, setup, recipes) for kind in KINDS}
        any_result = results[KINDS[0]]
        sizes = np.array(any_result.unit_bytes, np.float64)
        costs = [
            recipe.steps * recipe.tokens_per_step * recipe.flops_per_token(made[kind].vocab_size)
            for kind, recipe in recipes.items()
        ]
        return TokenizerContest(
            key=key,
            text=self.clean.key,
            train_bytes=self.train_bytes,
            heldout_bytes=int(sizes.sum()),
            unit=any_result.unit,
            units=len(sizes),
            flops=float(np.mean(costs)),
            layers=setup.recipe.layers,
            width=setup.recipe.width,
            reasons=setup.reasons,
            trials=conclude(results, made, recipes, sizes),
        )

    def _setup(self) -> Setup:
        """The model and the compute of each training, from the time there is and a trial of a few steps."""
        path = self.partial / SETUP_FILE
        if not path.exists():
            machine = measured_machine(self.store, lambda: self._child("plan"), progress=self.report)
            config = RunConfig(minutes=self.minutes / len(KINDS))
            choice = next(fitting(config, TrainingText(self.train_bytes), self.budget, machine), None)
            if choice is None:
                raise CannotFit("the smallest model does not fit this budget: run again with more --memory")
            with self._child("plan", threads=machine.threads, trains=True) as child:
                result = child.call(
                    try_training,
                    self.report,
                    recipe=choice.recipe,
                    vocab_size=choice.vocab_size,
                    micro_batch=choice.micro_batch,
                    device=machine.device,
                    seconds=trial_seconds(config),
                )
            step_seconds = result.step_seconds
            steps = seconds_of_steps(config.minutes * 60) / step_seconds
            setup = Setup(
                recipe=choice.recipe,
                vocab_size=choice.vocab_size,
                micro_batch=choice.micro_batch,
                threads=machine.threads,
                device=machine.device,
                flops=steps * choice.recipe.tokens_per_step * choice.recipe.flops_per_token(choice.vocab_size),
                step_seconds=step_seconds,
                reasons=choice.reasons,
            )
            write_record(path, setup.model_dump(mode="json"))
        return read_record(path, Setup)

    def _config(self, kind: Kind, setup: Setup) -> TokenizeConfig:
        size = BYTE_VOCAB_SIZE if kind == "byte" else setup.vocab_size
        return TokenizeConfig(kind=kind, default_vocab_size=size)

    def _tokens(self, kind: Kind, config: TokenizeConfig) -> Tokens:
        path = self.partial / kind / TOKENS_FILE
        if not path.exists():
            with self._child(kind) as child:
                child.call(
                    make_trial_tokens,
                    self._in_words(f"{kind}: tokens"),
                    folder=path.parent,
                    clean=self.clean.path,
                    config=config,
                )
        made = read_json(path)
        return Tokens(made["vocab_size"], made["train_tokens"], made["train_bytes_per_token"])

    def _trial(self, kind: Kind, setup: Setup, recipes: dict[Kind, TrainingConfig]) -> TrialScore:
        before, steps, path = KINDS.index(kind), recipes[kind].steps, self.partial / kind / TRIAL_FILE

        def overall(done: float, total: float | None, unit: str, note: str = "") -> None:
            self.report(before + done / steps, len(KINDS), "tokenizer", f"{kind}: step {done:,.0f} of {steps:,}")

        if not path.exists():
            with self._child(kind, threads=setup.threads, trains=True) as child:
                child.call(
                    try_tokenizer,
                    overall,
                    folder=path.parent,
                    clean=self.clean.path,
                    recipe=recipes[kind],
                    micro_batch=setup.micro_batch,
                    device=setup.device,
                )
        return read_record(path, TrialScore)

    def _in_words(self, words: str) -> Progress:
        return lambda done, total, unit, note="": self.report(0, len(KINDS), "tokenizer", words)

    @contextmanager
    def _child(self, what: str, *, threads: int = 0, trains: bool = False) -> Iterator[SupervisedChild]:
        try:
            with SupervisedChild(self.budget, threads=threads, keeps_freed_memory=trains, tell=self.tell) as child:
                yield child
        except OutOfMemory as error:
            raise advise(error, what, self.budget) from None
