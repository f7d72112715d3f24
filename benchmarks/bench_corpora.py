"""Speed and peak memory of cleaning and tokenizing at growing sizes, beside raw sentencepiece and beside datatrove.

`make bench-corpora ARGS="--megabytes 10 100 400"`. Each stage runs in a supervised child, as it does in a run. The text
is made here: sentences of made-up words with the frequencies of a language (Zipf), no two documents alike. Rates are
by processor time, which other work on the machine disturbs less than the clock.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lm.clean.config import CleanConfig
from lm.download.config import DownloadConfig
from lm.download.jobs import download
from lm.formatting import format_bytes
from lm.memory.budget import Budget
from lm.progress import silent
from lm.stages import stage_named, stage_work
from lm.store.artifacts import Store
from lm.supervision.supervisor import SupervisedChild
from lm.tokenize.config import TokenizeConfig
from lm.tokenize.metrics import TokenizeMetrics
from lm.tokenizer.hf_files import write_hugging_face_tokenizer

WORDS, SYLLABLES = 30_000, ("ka", "lo", "mi", "ter", "sha", "en", "do", "ri", "va", "pel", "un", "so", "ge")
MEAN_WORDS = 350  # of a document: about 2 kB
MEGABYTE = 10**6
AT_ONCE_BYTES, COMPARED_BYTES = 8 * MEGABYTE, 100 * MEGABYTE
DATATROVE_MEGABYTES = 10


class Measured(NamedTuple):
    """One stage at one size."""

    stage: str
    seconds: float
    processor_seconds: float
    peak_bytes: int


def documents(seed: int) -> Iterator[str]:
    """Endless documents, always the same for the same seed."""
    generator = np.random.default_rng(seed)
    names = np.array(["".join(generator.choice(SYLLABLES, generator.integers(1, 5))) for _ in range(WORDS)])
    share = 1 / np.arange(2.0, WORDS + 2)
    edges = np.cumsum(share / share.sum())
    while True:
        lengths = generator.lognormal(np.log(MEAN_WORDS), 0.8, 100).astype(int) + 20
        drawn = names[np.minimum(np.searchsorted(edges, generator.random(lengths.sum())), WORDS - 1)]
        for words in np.split(drawn, np.cumsum(lengths)[:-1]):
            sentences = (" ".join(words[place : place + 12]).capitalize() for place in range(0, len(words), 12))
            yield ".\n".join(sentences) + ".\n"


def write_corpus(path: Path, megabytes: int, *, one_document: bool) -> None:
    """Write JSON lines of documents, or a text file that is one."""
    path.parent.mkdir(exist_ok=True)
    written = 0
    with path.open("w", encoding="utf-8") as stream:
        for text in documents(megabytes):
            written += stream.write(text if one_document else json.dumps({"text": text}) + "\n")
            if written >= megabytes * MEGABYTE:
                return


def make(store: Store, stage: str, config: Any, inputs: dict[str, str]) -> tuple[str, Measured]:
    """Make one artifact in a supervised child; its key, and what it took."""
    work, job = stage_work(store, stage, config, inputs), stage_named(stage).make
    assert job
    started, before = time.monotonic(), _children_seconds()
    with SupervisedChild(Budget(bytes=8 * 2**30, source="benchmark")) as child:
        child.call(job, silent, work)
    return work.key, Measured(stage, time.monotonic() - started, _children_seconds() - before, child.peak_bytes)


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def tokenizing_beside_sentencepiece(clean: Path, model: Path) -> tuple[float, float]:
    """Bytes a processor second of tokenizing (encode, check, write) and of sentencepiece alone (encode, decode).

    Over the first documents, for the speed of both is the same in the rest.
    """
    script = f"""
import tempfile
import time
from pathlib import Path
import sentencepiece
from lm.planning.cpu import chosen_cores
from lm.text.documents import read_documents
from lm.tokenizer.token_stream import token_stream
from lm.tokenizer.tokenizer import Tokenizer
from lm.tokenizer.tokens import write_tokens
tokenizer, ours, alone = Tokenizer(Path({str(model)!r})), 0.0, 0.0
processor = sentencepiece.SentencePieceProcessor(model_file={str(model)!r})
def work(texts):
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        write_tokens(token_stream(tokenizer, texts, chosen_cores()), Path(folder), "train", tokenizer.vocab_size)
    middle = time.process_time()
    lines = [line for text in texts for line in text.splitlines()]
    ids = processor.encode(lines, num_threads=chosen_cores(), return_type="numpy")
    processor.decode(ids, num_threads=chosen_cores())
    return middle - began, time.process_time() - middle
waiting, size, compared = [], 0, 0
for document in read_documents(Path({str(clean)!r})):
    waiting.append(document.text)
    size += len(document.text.encode())
    if size > {AT_ONCE_BYTES} or compared + size > {COMPARED_BYTES}:
        spent = work(waiting)
        ours, alone, compared, waiting, size = ours + spent[0], alone + spent[1], compared + size, [], 0
    if compared > {COMPARED_BYTES}:
        break
else:
    spent = work(waiting)
    ours, alone, compared = ours + spent[0], alone + spent[1], compared + size
print(compared / ours, compared / alone)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    ours, alone = map(float, done.stdout.split())
    return ours, alone


class Datatrove(NamedTuple):
    """What datatrove made of the first documents: processor seconds of each stage, and the peak of both."""

    megabytes: float
    seconds: dict[str, float]
    peak_bytes: int

    def beside(self, stage: str, rate: float) -> str:
        """Its speed in words, after ours in MB a processor second."""
        own = self.megabytes / self.seconds[stage]
        return f"; datatrove {own:.1f} MB/s (x{rate / own:.1f}) at {format_bytes(self.peak_bytes)}"


def beside_datatrove(documents: Path, tokenizer_model: Path) -> Datatrove:
    """Have datatrove take the same steps with the JSON lines of the folder `documents`."""
    write_hugging_face_tokenizer(tokenizer_model, tokenizer_model.parent)
    command = [sys.executable, "-m", "benchmarks.datatrove_peer", str(documents)]
    command.append(str(tokenizer_model.parent / "tokenizer.json"))
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    taken = json.loads(done.stdout.splitlines()[-1])
    return Datatrove(sum(path.stat().st_size for path in documents.iterdir()) / MEGABYTE, **taken)


def bench(root: Path, megabytes: int, *, one_document: bool) -> None:
    """Run the stages on a corpus of one size and print a line for each."""
    store = Store(root)
    source = root / ("corpus.txt" if one_document else "corpus.jsonl")
    write_corpus(source, megabytes, one_document=one_document)
    with SupervisedChild(Budget(bytes=8 * 2**30, source="benchmark")) as child:
        config = DownloadConfig(corpus=(str(source),))
        raw = child.call(download, silent, root, config)
    source.unlink()
    cleaned, cleaning = make(store, "clean", CleanConfig(), {"download": raw})
    tokens, tokenizing = make(store, "tokenize", TokenizeConfig(), {"clean": cleaned})
    metrics = store.open(store.path("tokenize", tokens)).read_metrics(TokenizeMetrics)
    size = (metrics.train_bytes + metrics.heldout_bytes) / MEGABYTE
    model = store.path("tokenize", tokens) / "tokenizer.model"
    ours, alone = tokenizing_beside_sentencepiece(store.path("clean", cleaned), model)
    shape = "one document" if one_document else "documents of 2 kB"
    clean_rate, tokenize_rate = size / cleaning.processor_seconds, ours / MEGABYTE
    rates = {
        "clean": f"{clean_rate:.1f} MB/s",
        "tokenize": f"{tokenize_rate:.1f} MB/s; sentencepiece alone {alone / MEGABYTE:.1f} MB/s ({ours / alone:.2f})",
    }
    if not one_document:
        write_corpus(root / "jsonl" / "corpus.jsonl", DATATROVE_MEGABYTES, one_document=False)
        datatrove = beside_datatrove(root / "jsonl", model)
        rates["clean"] += datatrove.beside("clean", clean_rate)
        rates["tokenize"] += datatrove.beside("tokenize", tokenize_rate)
    for stage in (cleaning, tokenizing):
        name = f"{megabytes:5} MB, {shape:17} {stage.stage:9}"
        print(f"{name} {stage.seconds:6.1f} s {format_bytes(stage.peak_bytes):>9}  {rates[stage.stage]}", flush=True)


def main() -> None:
    """Measure every size asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, nargs="+", default=[10, 100, 400])
    parser.add_argument("--shapes", nargs="+", choices=["documents", "one"], default=["documents", "one"])
    asked = parser.parse_args()
    for megabytes in asked.megabytes:
        for shape in asked.shapes:
            root = Path(tempfile.mkdtemp(prefix="bench-corpora-"))
            try:
                bench(root, megabytes, one_document=shape == "one")
            finally:
                shutil.rmtree(root)


if __name__ == "__main__":
    main()
