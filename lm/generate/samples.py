"""The generating itself: prompts to samples with their nearest passages, and text as it is written."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lm.errors import BadInput
from lm.generate.config import GenerateConfig
from lm.generate.metrics import GenerateMetrics, Repetition
from lm.model.batch_sampling import Request, Writer, continuations, token_steps
from lm.model.ensemble_inference import load_writer
from lm.model.sampling_params import SamplingParams
from lm.progress import Progress, silent
from lm.text import degeneracy
from lm.text.documents import read_documents
from lm.text.heldout_prompts import heldout_prompts
from lm.text.longest_match import Match, longest_matches
from lm.tokenize.config import TOKENIZER_FILE
from lm.tokenizer.text_stream import StoppingText
from lm.tokenizer.tokenizer import Tokenizer

SCHEMA_VERSION = 1
OPENINGS = 3
SCHEMA = pa.schema(
    [
        ("prompt", pa.string()),  # empty: an empty page
        ("text", pa.string()),  # what the model wrote after the prompt
        ("seed", pa.int64()),
        ("temperature", pa.float64()),
        ("top_p", pa.float64()),
        ("tokens", pa.int32()),  # written
        ("verdict", pa.string()),  # healthy, repetitive or collapsed
        ("nearest_source", pa.string()),  # source of the longest passage that is in the training text too, or null
        ("nearest_document", pa.string()),  # its document_id
        ("nearest_title", pa.string()),
        ("nearest_line", pa.int64()),  # of the document, from 1
        ("nearest_before", pa.string()),  # the words before it there
        ("nearest_text", pa.string()),  # the passage
        ("nearest_after", pa.string()),  # the words after it there
    ],
    metadata={"schema_version": str(SCHEMA_VERSION)},
)


def sample_prompts(model: Path, clean: Path, config: GenerateConfig, file: Path, progress: Progress) -> GenerateMetrics:
    """Write samples of every prompt into the parquet `file`; return their measures and the first of them.

    Raises BadInput for a prompt that is no text.
    """
    decoder, tokenizer = load_pair([model])
    prompts = config.prompts or ("", *default_openings(clean))
    encoded = [encode_prompt(tokenizer, prompt, decoder.shape.context) for prompt in prompts]
    requests = [
        Request(tokens, config.seed + index * config.samples + number, config)
        for index, (tokens, _) in enumerate(encoded)
        for number in range(config.samples)
    ]
    started = time.monotonic()
    written, texts = write(decoder, tokenizer, requests, config, progress)
    seconds = time.monotonic() - started
    progress(len(texts), len(texts), "sample", "looking for the nearest passages")
    human = human_texts(clean, texts)
    matches = longest_matches([*texts, *human], read_documents(clean, "train"))
    nearest, of_humans = matches[: len(texts)], matches[len(texts) :]
    rows = [
        {
            "prompt": prompts[index // config.samples],
            "text": text,
            "seed": request.seed,
            "temperature": config.temperature,
            "top_p": config.top_p,
            "tokens": len(tokens),
            "verdict": degeneracy.degeneracy(text).verdict,
            **(_place(match) if match else {}),
        }
        for index, (request, text, tokens, match) in enumerate(zip(requests, texts, written, nearest, strict=True))
    ]
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    pq.write_table(table, file, compression="zstd", write_page_checksum=True)
    return GenerateMetrics(
        samples=len(texts),
        tokens=sum(map(len, written)),
        tokens_per_second=round(sum(map(len, written)) / max(seconds, 1e-9), 1),
        degeneracy=Repetition.model_validate(degeneracy.summary(texts)),
        longest_match_characters=max((match.characters for match in nearest if match), default=0),
        human_longest_match_characters=max((match.characters for match in of_humans if match), default=0),
        notes=tuple(note for _, note in encoded if note),
    )


def _place(match: Match) -> dict[str, str | int | None]:
    return {
        "nearest_source": match.source,
        "nearest_document": match.document_id,
        "nearest_title": match.title,
        "nearest_line": match.line,
        "nearest_before": match.before,
        "nearest_text": match.text,
        "nearest_after": match.after,
    }


def write(
    decoder: Writer, tokenizer: Tokenizer, requests: Sequence[Request], config: GenerateConfig, progress: Progress
) -> tuple[list[list[int]], list[str]]:
    """Tokens and text of each request's continuation, the text up to the first stop string."""
    texts = [StoppingText(tokenizer, config.stop) for _ in requests]
    pieces: list[list[str]] = [[] for _ in requests]

    def is_last(request: int, token: int) -> bool:
        pieces[request].append(texts[request].add(token))
        return texts[request].stopped

    written = continuations(decoder, requests, config.tokens, progress, is_last)
    return written, ["".join([*said, text.rest()]) for said, text in zip(pieces, texts, strict=True)]


def stream_text(
    models: Sequence[Path],
    prompt: str,
    sampling: SamplingParams,
    *,
    tokens: int,
    seed: int,
    stop: Sequence[str],
    tell: Callable[[str], object],
) -> Iterator[str]:
    """Yield what the model writes after a prompt, in pieces of whole characters, as it is written.

    What is wrong with the request is raised at once, before the first piece is asked for.
    """
    if tokens < 1 or seed < 0:
        raise BadInput(f"got {tokens} tokens and seed {seed}: expected 1 token or more, and a seed of 0 or more")
    decoder, tokenizer = load_pair(models)
    ids, note = encode_prompt(tokenizer, prompt, decoder.shape.context)
    if note:
        tell(note)
    return _pieces(decoder, StoppingText(tokenizer, stop), Request(ids, seed, sampling), tokens)


def _pieces(decoder: Writer, text: StoppingText, request: Request, tokens: int) -> Iterator[str]:
    for step in token_steps(decoder, [request], tokens):
        for _, token in step:
            if piece := text.add(token):
                yield piece
        if text.stopped:
            break
    if rest := text.rest():
        yield rest


def written_texts(
    models: Sequence[Path], config: GenerateConfig, tell: Callable[[str], object]
) -> Iterator[tuple[str, int, str]]:
    """Prompt, seed and text of every sample; as many are written at a time as have room. `tell` as in `stream_text`."""
    decoder, tokenizer = load_pair(models)
    encoded = [encode_prompt(tokenizer, prompt, decoder.shape.context) for prompt in config.prompts]
    for note in filter(None, (note for _, note in encoded)):
        tell(note)
    places = [(index, number) for index in range(len(encoded)) for number in range(config.samples)]
    requests = [
        Request(encoded[index][0], config.seed + index * config.samples + number, config) for index, number in places
    ]
    _, texts = write(decoder, tokenizer, requests, config, silent)
    for (index, _), request, text in zip(places, requests, texts, strict=True):
        yield config.prompts[index], request.seed, text


def load_pair(models: Sequence[Path]) -> tuple[Writer, Tokenizer]:
    """The model of a folder, or the mean of several, and the tokenizer. Raises BadInput when they do not agree."""
    decoder, tokenizer = load_writer(models), Tokenizer(models[0] / TOKENIZER_FILE)
    if decoder.vocab_size != tokenizer.vocab_size:
        raise BadInput(
            f"{models[0]}: the model has {decoder.vocab_size} tokens and {TOKENIZER_FILE} has {tokenizer.vocab_size}: "
            "they do not belong together"
        )
    return decoder, tokenizer


def default_openings(clean: Path) -> list[str]:
    """A few openings of the held-out text, the same every time."""
    return [opening.text for opening in heldout_prompts(clean, OPENINGS)]


def human_texts(clean: Path, samples: Sequence[str]) -> list[str]:
    """Held-out text in as many pieces as there are samples, each as long as a sample where there is enough of it."""
    starts = heldout_prompts(clean, len(samples))
    return [start.continuation[: len(text)] for start, text in zip(starts, samples, strict=False)]


def encode_prompt(tokenizer: Tokenizer, prompt: str, context: int) -> tuple[list[int], str | None]:
    """Token ids of a prompt, and what the user should know where it is longer than the model can read.

    Raises BadInput for a prompt that is no text.
    """
    tokens = tokenizer.encode(prompt).tolist()
    if len(tokens) < context:
        return tokens, None
    return tokens[-context:], (
        f"the prompt beginning {prompt[:30]!r} has {len(tokens)} tokens and this model reads {context} at once: "
        f"only its last {context // 2} count"
    )
