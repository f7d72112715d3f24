"""Models that leave home are the same model elsewhere, with a card that says what they are."""

import os
import subprocess
import sys
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from lm.errors import BadInput
from lm.export.export import Format, export
from lm.model.decoder import load_model
from lm.store.artifacts import Artifact, Store
from lm.text.documents import read_documents
from lm.tokenizer.special_tokens import BOUNDARY_ID
from lm.tokenizer.tokenizer import Tokenizer
from tests.lm.conftest import Toy

HOSTILE = ["<s>", "</s>", "<unk>", "<0x41>", "<|endoftext|>", "\u2581", "\x10", "\x101", "<", "  ", "\r\n", "\n\n\n",
           "\u00a0", "\u2028", "漢字", "👩‍👩‍👧", "\ufeff", ""]  # fmt: skip


@pytest.fixture
def model(toy_store: Store) -> Artifact:
    return toy_store.list("train")[0]


def command(store: Store, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"SLOWBURN_ROOT": str(store.root)}
    return subprocess.run([sys.executable, "-m", "lm", *words], env=environment, capture_output=True, text=True)


def test_transformers_loads_the_folder_as_the_same_model(
    toy: Toy, toy_store: Store, model: Artifact, tmp_path: Path
) -> None:
    """No code of ours: the same ids on every held-out document and on hostile text, logits within 1e-4 in fp32."""
    folder = export(toy_store, [model], "hf", tmp_path / "hf")
    theirs, tokens = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    ours, tokenizer = load_model(toy.model), Tokenizer(toy.model / "tokenizer.model")
    heldout = [document.text for document in read_documents(toy.clean, "heldout")]
    for text in [*heldout, *HOSTILE]:
        ids = tokenizer.encode(text).tolist()
        assert tokens(text)["input_ids"] == ids
        inputs = torch.tensor([[BOUNDARY_ID, *ids][: ours.shape.context]])
        with torch.no_grad():
            assert torch.allclose(theirs(inputs).logits, ours(inputs), rtol=0, atol=1e-4)


def test_gguf_holds_every_weight_under_llama_cpps_names(
    toy: Toy, toy_store: Store, model: Artifact, tmp_path: Path
) -> None:
    """llama.cpp's own reader finds shape, tokenizer and tensors; queries and keys are in the order of its rotation."""
    folder = export(toy_store, [model], "gguf", tmp_path / "gguf")
    (file,) = (path for path in folder.glob("*.gguf") if "q8_0" not in path.name)
    reader = gguf.GGUFReader(file)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    shape, weights = load_model(toy.model).shape, load_model(toy.model).state_dict()
    assert fields["general.architecture"] == "arcee"
    assert fields["arcee.context_length"] == shape.context
    assert fields["tokenizer.ggml.tokens"][BOUNDARY_ID] == "<|endoftext|>"
    assert fields["tokenizer.ggml.add_space_prefix"] is False
    tensors = {tensor.name: tensor.data for tensor in reader.tensors}
    assert len(tensors) == len(weights)
    np.testing.assert_array_equal(tensors["token_embd.weight"], weights["model.embed_tokens.weight"].half().numpy())
    query = weights["model.layers.0.self_attn.q_proj.weight"].half().numpy().reshape(shape.heads, shape.head_width, -1)
    stored = tensors["blk.0.attn_q.weight"].reshape(query.shape)
    np.testing.assert_array_equal(stored[:, 0::2], query[:, : shape.head_width // 2])
    np.testing.assert_array_equal(stored[:, 1::2], query[:, shape.head_width // 2 :])


def test_a_smaller_gguf_states_what_it_costs(toy: Toy, toy_store: Store, model: Artifact, tmp_path: Path) -> None:
    """Eight bits a weight: half the size, each weight within its block's step, and the loss in the card is its own."""
    folder = export(toy_store, [model], "gguf", tmp_path / "gguf")
    (small,) = folder.glob("*-q8_0.gguf")
    (whole,) = (path for path in folder.glob("*.gguf") if path != small)
    reader = gguf.GGUFReader(small)
    assert reader.fields["general.file_type"].contents() == gguf.LlamaFileType.MOSTLY_Q8_0
    stored = {tensor.name: tensor for tensor in reader.tensors}["token_embd.weight"]
    assert stored.tensor_type == gguf.GGMLQuantizationType.Q8_0
    read = gguf.quants.dequantize(stored.data, stored.tensor_type)
    weights = load_model(toy.model).state_dict()["model.embed_tokens.weight"].numpy()
    steps = np.abs(weights).reshape(-1, 32).max(axis=1, keepdims=True) / 127
    assert (np.abs(read - weights).reshape(-1, 32) <= 0.51 * steps + 1e-3 * np.abs(weights).reshape(-1, 32)).all()
    assert small.stat().st_size < 0.75 * whole.stat().st_size  # the tokenizer is as large in both
    card = (folder / "README.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in card.splitlines() if ".gguf |" in line]
    assert [row[:2] for row in rows] == [[whole.name, "F16"], [small.name, "Q8_0"]]
    assert all(abs(float(row[4])) < 0.01 for row in rows)
    assert "Measured here on" in card


@pytest.mark.parametrize("kind", ["hf", "gguf"])
def test_the_same_model_gives_the_same_bytes(toy_store: Store, model: Artifact, kind: Format, tmp_path: Path) -> None:
    """An export holds nothing of the moment or the machine."""
    for name in ("first", "second"):
        export(toy_store, [model], kind, tmp_path / name / "folder")
    first, second = ({file.name: file.read_bytes() for file in (tmp_path / name / "folder").iterdir()}
                     for name in ("first", "second"))  # fmt: skip
    assert first == second


def test_the_card_says_what_a_stranger_needs(toy_store: Store, model: Artifact, tmp_path: Path) -> None:
    """Data and licence, use and limits, numbers beside baselines, samples; for ollama three lines; no path of ours."""
    for kind in ("hf", "gguf"):
        card = (export(toy_store, [model], kind, tmp_path / kind) / "README.md").read_text()
        assert "PSF-2.0" in card
        assert r"Help \| topics" in card
        assert "reads at most 48 tokens" in card
        assert "5-gram" in card
        assert "loses to the 5-gram" in card
        assert "## Samples" in card
        assert str(toy_store.root) not in card
    assert "ollama create slowburn-python-docs-333333 -f Modelfile" in card
    assert "U+2581" in card
    assert "FROM ./slowburn-python-docs-333333.gguf" in (tmp_path / "gguf" / "Modelfile").read_text()


def test_a_card_is_written_from_what_is_left(toy_store: Store, model: Artifact, tmp_path: Path) -> None:
    """Where text, evaluation and samples were pruned the card says so, and the export still works."""
    alone = Store(tmp_path / "alone")
    alone.folder("train").mkdir(parents=True)
    (alone.folder("train") / model.key).symlink_to(model.path)
    card = (export(alone, alone.list("train"), "hf", tmp_path / "hf") / "README.md").read_text()
    assert "was not evaluated" in card
    assert "not on the machine any more" in card


def test_nothing_is_overwritten_and_nothing_half_written_stays(
    toy_store: Store, model: Artifact, tmp_path: Path
) -> None:
    """A folder that holds something, a file in the way, a model with a missing file: one line, and nothing changes."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    (tmp_path / "file").write_text("x")
    for to in (tmp_path / "mine", tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(BadInput) as refusal:
            export(toy_store, [model], "hf", to)
        assert "\n" not in str(refusal.value)
    broken = Artifact(path=tmp_path / "nowhere", manifest=model.manifest)
    for kind in ("hf", "gguf"):
        with pytest.raises(BadInput):
            export(toy_store, [broken], kind, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "mine", "thesis.txt"]


def test_the_command_line_exports_the_newest_model(toy_store: Store, tmp_path: Path) -> None:
    """Without a name the model is chosen as everywhere; an unknown name is one line with advice."""
    done = command(toy_store, "export", "--format", "gguf", "--to", str(tmp_path / "here"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "here" / "README.md").exists()
    unknown = command(toy_store, "export", "3333zz", "--format", "hf", "--to", str(tmp_path / "there"))
    assert unknown.returncode == 2
    assert unknown.stderr.count("\n") == 1
    assert "Traceback" not in unknown.stderr
    assert not Path(tmp_path / "there").exists()


def test_seeds_leave_as_one_model_that_transformers_reads(
    toy: Toy, toy_store: Store, model: Artifact, tmp_path: Path
) -> None:
    """The packed folder is a plain Arcee model of the members' mean; its card gives its own loss beside the first's."""
    folder = export(toy_store, [model, model], "hf", tmp_path / "hf")
    theirs, ours = AutoModelForCausalLM.from_pretrained(folder), load_model(toy.model)
    ids = torch.tensor([[BOUNDARY_ID, *Tokenizer(toy.model / "tokenizer.model").encode("The import").tolist()]])
    with torch.no_grad():
        torch.testing.assert_close(theirs(ids).logits, ours(ids), rtol=1e-3, atol=1e-3)
    card = (folder / "README.md").read_text()
    assert "2 such models" in card
    (own,) = (line for line in card.splitlines() if line.startswith("| **this model**"))
    (first,) = (line for line in card.splitlines() if line.startswith("| the first of them alone"))
    assert own.split("**")[3] == first.split("|")[2].split()[0]  # packed with itself: the same loss
    export(toy_store, [model, model], "gguf", tmp_path / "gguf")
