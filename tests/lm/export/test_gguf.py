"""llama.cpp reads the exported GGUF as the same model; `make test-gguf` builds it, in an environment of its own."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from pydoc_data.topics import topics

import pytest
import torch

from lm.export.gguf import LIMITS, write_gguf
from lm.model.config import ModelConfig
from lm.model.decoder import Decoder, load_model, save_model
from lm.model.scoring import token_nats
from lm.text.documents import read_documents
from lm.tokenizer.kinds import Kind
from lm.tokenizer.tokenizer import Tokenizer
from lm.tokenizer.training import train_tokenizer
from tests.lm.conftest import Toy

PROJECT = Path(__file__).parents[3]
PYTHON = Path(os.environ.get("LLAMA_CPP_PYTHON") or PROJECT / ".venv-gguf" / "bin" / "python")
READER = Path(__file__).parent / "read_gguf.py"
HOSTILE = ["<s>", "</s>", "<unk>", "<0x41>", "<|endoftext|>", "<", " ", "   ", "\t", "\r\n", "\n", "\n\n\n", "\u00a0",
           "\u2028", "e\u0301", "漢字", "👩‍👩‍👧", "\ufffd", "\ufeff", "\x00z", "a 👩b", ""]  # fmt: skip

pytestmark = [
    pytest.mark.gguf,
    pytest.mark.skipif(not PYTHON.exists(), reason="llama.cpp is not here: `make test-gguf` builds it"),
]


@dataclass(frozen=True)
class Reading:
    """What llama.cpp says."""

    ids: list[list[int]]
    round_trips: list[str]
    nats: list[float]


def read(file: Path, texts: list[str], documents: list[list[int]]) -> Reading:
    request = json.dumps({"file": str(file), "texts": texts, "documents": documents})
    done = subprocess.run([PYTHON, READER], input=request, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    return Reading(answer["ids"], answer["round_trips"], answer["nats"])


def test_a_trained_model_has_the_same_perplexity_there(toy: Toy, tmp_path: Path) -> None:
    """Ids of every held-out document are equal, and their nats within a thousandth: the files hold fp16."""
    write_gguf(toy.model, tmp_path / "toy.gguf", name="toy", licence="none")
    model, tokenizer = load_model(toy.model), Tokenizer(toy.model / "tokenizer.model")
    texts = [document.text for document in read_documents(toy.clean, "heldout")]
    ids = [tokenizer.encode(text).tolist() for text in texts]
    beginnings = [tokens[: model.shape.context - 1] for tokens in ids]
    reading = read(tmp_path / "toy.gguf", [*texts, *HOSTILE], beginnings)
    assert reading.ids == [*ids, *(tokenizer.encode(text).tolist() for text in HOSTILE)]
    assert reading.round_trips == [*texts, *HOSTILE]
    ours = sum(float(nats.sum()) for nats in token_nats(model, [tokenizer.encode(text)[:47] for text in texts]))
    assert sum(reading.nats) == pytest.approx(ours, rel=1e-3)


@pytest.mark.parametrize("kind", ["char", "unigram", "word"])
def test_other_tokenizers_read_as_far_as_the_card_says(kind: Kind, tmp_path: Path) -> None:
    """char: the same ids; unigram: the same where every character has a piece; word: the card warns."""
    texts = list(topics.values())[:40]
    (tmp_path / "tokenizer.model").write_bytes(train_tokenizer(["\n".join(texts)], kind, 1024, shrink=True))
    tokenizer = Tokenizer(tmp_path / "tokenizer.model")
    shape = ModelConfig(layers=1, width=32, heads=1, kv_heads=1, mlp_width=64, context=64)
    model = Decoder(shape, tokenizer.vocab_size)
    model.initialise(1)
    with torch.no_grad():
        model.get_parameter("model.layers.0.mlp.down_proj.weight").normal_(generator=torch.Generator().manual_seed(1))
    save_model(tmp_path, shape, tokenizer.vocab_size, dict(model.named_parameters()))
    assert write_gguf(tmp_path, tmp_path / "model.gguf", name="x", licence="none") == LIMITS[kind]
    ids = [tokenizer.encode(text).tolist() for text in texts]
    reading = read(tmp_path / "model.gguf", texts, [tokens[:60] for tokens in ids[:5]])
    ours = sum(float(nats.sum()) for nats in token_nats(model, [tokenizer.encode(text)[:60] for text in texts[:5]]))
    assert sum(reading.nats) == pytest.approx(ours, rel=1e-3)
    pieced = [index for index, tokens in enumerate(ids) if all(tokenizer.byte(token) is None for token in tokens)]
    compared = {"char": range(len(ids)), "unigram": pieced, "word": []}[kind]
    assert [reading.ids[index] for index in compared] == [ids[index] for index in compared]
    assert kind == "word" or len(compared) > 5
