"""`config.json`: a model's shape in the words of Hugging Face, written and read without torch."""

import json
from pathlib import Path

from lm.config import JsonObject
from lm.errors import BadInput
from lm.model.config import ModelConfig
from lm.store.files import check_readable
from lm.tokenizer.special_tokens import BOUNDARY_ID

ROTARY_BASE = 10_000.0
NORM_EPSILON = 1e-6
CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"


def hugging_face_config(shape: ModelConfig, vocab_size: int) -> JsonObject:
    """The `config.json` with which transformers and llama.cpp's converter read the model."""
    return {
        "architectures": ["ArceeForCausalLM"],
        "model_type": "arcee",
        "vocab_size": vocab_size,
        "hidden_size": shape.width,
        "intermediate_size": shape.mlp_width,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_width,
        "hidden_act": "relu2",
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": True,
        "max_position_embeddings": shape.context,
        "rope_theta": ROTARY_BASE,
        "rms_norm_eps": NORM_EPSILON,
        "bos_token_id": BOUNDARY_ID,
        "eos_token_id": BOUNDARY_ID,
        "torch_dtype": "float32",
    }


def read_model_config(folder: Path) -> tuple[ModelConfig, int]:
    """The shape and the vocabulary's size of a model folder. Raises BadInput for one that is not of this layout."""
    config = _read_config(folder)
    try:
        shape = ModelConfig(
            layers=config["num_hidden_layers"],
            width=config["hidden_size"],
            heads=config["num_attention_heads"],
            kv_heads=config["num_key_value_heads"],
            mlp_width=config["intermediate_size"],
            context=config["max_position_embeddings"],
        )
        vocab_size = config["vocab_size"]
        if not isinstance(vocab_size, int) or vocab_size < 1:
            raise ValueError(f"vocab_size is {vocab_size!r}")
    except (KeyError, ValueError) as error:
        raise BadInput(f"{folder / CONFIG_FILE} does not describe a model that can be: {error}") from error
    return shape, vocab_size


def _read_config(folder: Path) -> JsonObject:
    check_readable(folder / CONFIG_FILE)
    try:
        config: JsonObject = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"no readable {CONFIG_FILE} in {folder}: expected a model folder") from error
    if not isinstance(config, dict):
        raise BadInput(f"{folder / CONFIG_FILE} holds no JSON object: expected that of a model")
    nested = config.get("rope_parameters")  # where transformers 5 writes it
    theta = config.get("rope_theta") or (nested.get("rope_theta") if isinstance(nested, dict) else None)
    ours = {
        "model_type": "arcee",
        "hidden_act": "relu2",
        "tie_word_embeddings": True,
        "attention_bias": False,
        "mlp_bias": False,
        "rms_norm_eps": NORM_EPSILON,
    }
    for key, expected in ours.items():
        if config.get(key) != expected:
            raise BadInput(f"{folder / CONFIG_FILE}: {key} is {config.get(key)!r}, this program reads {expected!r}")
    if theta != ROTARY_BASE:
        raise BadInput(f"{folder / CONFIG_FILE}: rope_theta is {theta!r}, this program reads {ROTARY_BASE!r}")
    return config
