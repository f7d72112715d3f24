"""datatrove doing what `clean` and `tokenize` do, for `bench_corpora`: the same kinds of steps, in one process.

Cleaning: read JSON lines, drop what has fewer words than three or repeats its runs of five words, compare by MinHash
(128 values of runs of five words, 16 bands) and write what is left. Words are split at spaces here, which takes less
time than the tokenizers of words that it brings. It has no check of the split, and none that the text comes back.
"""

import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.filters import GopherRepetitionFilter, LambdaFilter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.tokens import DocumentTokenizer
from datatrove.pipeline.writers import JsonlWriter
from datatrove.utils.word_tokenizers import WordTokenizer

MINHASH = MinhashConfig(n_grams=5, num_buckets=16, hashes_per_bucket=8)
MIN_WORDS = 3


class Spaces(WordTokenizer):
    """Words as `str.split` finds them."""

    def word_tokenize(self, text: str) -> list[str]:
        """The words."""
        return text.split()

    def sent_tokenize(self, text: str) -> list[str]:
        """The lines."""
        return text.splitlines()

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        """All of it as one."""
        return [(0, len(text))]


def has_words(document: Document) -> bool:
    """Whether there is enough to be judged."""
    return len(document.text.split(maxsplit=MIN_WORDS)) >= MIN_WORDS


def run(*steps: PipelineStep, logs: Path, tasks: int = 1) -> None:
    """Run a pipeline to its end, in this process; each wants a folder of its own for its logs."""
    LocalPipelineExecutor(pipeline=list(steps), tasks=tasks, workers=1, logging_dir=str(logs)).run()


def clean(source: Path, folder: Path) -> None:
    """Filter and deduplicate the JSON lines of the folder `source` into `folder`/clean."""
    words = Spaces()
    kept, signatures, buckets, removed = (str(folder / name) for name in ("kept", "signatures", "buckets", "removed"))
    run(
        JsonlReader(str(source)),
        LambdaFilter(has_words),
        GopherRepetitionFilter(
            dup_line_frac=None, dup_para_frac=None, dup_line_char_frac=None, dup_para_char_frac=None,
            top_n_grams=(), dup_n_grams=((5, 0.9),), language=words,
        ),
        JsonlWriter(kept, compression=None),
        MinhashDedupSignature(signatures, MINHASH, language=words),
        logs=folder / "logs-1",
    )  # fmt: skip
    run(MinhashDedupBuckets(signatures, buckets, config=MINHASH), logs=folder / "logs-2", tasks=MINHASH.num_buckets)
    run(MinhashDedupCluster(buckets, removed, config=MINHASH), logs=folder / "logs-3")
    run(
        JsonlReader(kept),
        MinhashDedupFilter(removed),
        JsonlWriter(str(folder / "clean"), compression=None),
        logs=folder / "logs-4",
    )


def tokenize(folder: Path, tokenizer: Path) -> None:
    """Encode the documents of `folder`/clean with a `tokenizer.json`."""
    run(
        JsonlReader(str(folder / "clean")),
        DocumentTokenizer(str(folder / "tokens"), str(tokenizer), shuffle_documents=False),
        logs=folder / "logs-5",
    )


def main(source: Path, tokenizer: Path) -> None:
    """Print what both take: processor seconds of each, and the peak of both in bytes."""
    seconds = {}
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = time.process_time()
        clean(source, folder)
        seconds["clean"] = time.process_time() - began
        tokenize(folder, tokenizer)
        seconds["tokenize"] = time.process_time() - began - seconds["clean"]
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "peak_bytes": peak_bytes}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
