#!/usr/bin/env python3
"""Makes test/fixtures/demo-*.npy: what the demo models compute from War and Peace, so that tests need no model.

usage: make-fixtures.py MODELS_DIR     needs numpy; MODELS_DIR holds the demo models, tokenizer.json and report.json
"""
import json
import re
import struct
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "books/war-and-peace.txt"
FIXTURES = ROOT / "test/fixtures"
PASSAGES, PASSAGE_TOKENS, BATCH = 5000, 256, 64
ATTENTION_TOKENS, ATTENTION_LAYER = 1024, 4

# A GGUF value's type code to its struct format.
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9
F32, F16, Q8_0 = 0, 1, 8


class Gguf:
    """The metadata and, as float32, the tensors of a GGUF file."""

    def __init__(self, path):
        self.data, self.at, self.meta, self.tensors = Path(path).read_bytes(), 0, {}, {}
        magic, _version, tensor_count, value_count = self.unpack("4sIQQ")
        assert magic == b"GGUF", f"{path} is no GGUF file"
        for _ in range(value_count):
            key = self.string()
            self.meta[key] = self.value(*self.unpack("I"))
        infos = [self.tensor_info() for _ in range(tensor_count)]
        begin = -(-self.at // 32) * 32
        for name, shape, kind, offset in infos:
            self.tensors[name] = self.floats(kind, begin + offset, int(np.prod(shape))).reshape(shape[::-1])

    def unpack(self, form):
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values

    def string(self):
        (length,) = self.unpack("Q")
        self.at += length
        return self.data[self.at - length : self.at].decode("utf-8", "replace")

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            inner, count = self.unpack("IQ")
            return [self.value(inner) for _ in range(count)]
        return self.unpack(SCALARS[kind])[0]

    def tensor_info(self):
        name = self.string()
        (rank,) = self.unpack("I")
        shape = self.unpack(f"{rank}Q")
        return name, shape, *self.unpack("IQ")

    def floats(self, kind, begin, count):
        if kind == Q8_0:  # blocks of 32: one float16 scale, 32 int8
            block = np.dtype([("scale", "<f2"), ("codes", "i1", 32)])
            blocks = np.frombuffer(self.data, block, count // 32, begin)
            return (blocks["codes"] * blocks["scale"].astype(np.float32)[:, None]).ravel()
        return np.frombuffer(self.data, {F32: "<f4", F16: "<f2"}[kind], count, begin).astype(np.float32)


class Tokenizer:
    """Byte-level BPE with GPT-2's way of splitting text."""

    SPLIT = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[^\W\d_]+| ?\d+| ?(?:_|[^\s\w])+|\s+(?!\S)|\s+")

    def __init__(self, path):
        model = json.loads(Path(path).read_text())["model"]
        merges = [pair.split(" ") if isinstance(pair, str) else pair for pair in model["merges"]]
        self.ids = model["vocab"]
        self.rank = {tuple(pair): i for i, pair in enumerate(merges)}
        self.known = {}
        plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
        odd = [byte for byte in range(256) if byte not in plain]
        self.letters = {byte: chr(byte) for byte in plain} | {byte: chr(256 + i) for i, byte in enumerate(odd)}

    def word(self, text):
        parts = [self.letters[byte] for byte in text.encode()]
        while len(parts) > 1:
            ranks = [self.rank.get(pair, len(self.rank)) for pair in zip(parts, parts[1:])]
            best = min(ranks)
            if best == len(self.rank):
                break
            i = ranks.index(best)
            parts[i : i + 2] = [parts[i] + parts[i + 1]]
        return [self.ids[part] for part in parts]

    def encode(self, text):
        ids = []
        for word in self.SPLIT.findall(text):
            if word not in self.known:
                self.known[word] = self.word(word)
            ids += self.known[word]
        return ids


class Llama:
    """The llama architecture: RMSNorm, grouped-query attention with interleaved rotary pairs, SwiGLU."""

    def __init__(self, path):
        gguf = Gguf(path)
        self.weights = gguf.tensors
        get = lambda key: gguf.meta["llama." + key]
        self.layers, self.epsilon = get("block_count"), get("attention.layer_norm_rms_epsilon")
        self.heads, self.kv_heads = get("attention.head_count"), get("attention.head_count_kv")
        self.head_dimensions, self.base = get("attention.key_length"), get("rope.freq_base")

    def norm(self, x, name):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + self.epsilon) * self.weights[name + ".weight"]

    def linear(self, x, name):
        return x @ self.weights[name + ".weight"].T

    def split_heads(self, x, heads):  # [batch, tokens, heads * d] to [batch, heads, tokens, d]
        return x.reshape(*x.shape[:2], heads, self.head_dimensions).swapaxes(1, 2)

    def rotate(self, x):
        steps = np.arange(0, self.head_dimensions, 2) / self.head_dimensions
        angles = np.arange(x.shape[-2])[:, None] * self.base**-steps
        cos, sin = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
        even, odd = x[..., 0::2], x[..., 1::2]
        return np.stack((even * cos - odd * sin, even * sin + odd * cos), -1).reshape(x.shape)

    def projections(self, x, layer):
        h, name = self.norm(x, f"blk.{layer}.attn_norm"), f"blk.{layer}.attn_"
        q = self.rotate(self.split_heads(self.linear(h, name + "q"), self.heads))
        k = self.rotate(self.split_heads(self.linear(h, name + "k"), self.kv_heads))
        return q, k, self.split_heads(self.linear(h, name + "v"), self.kv_heads)

    def block(self, x, layer):
        q, k, v = self.projections(x, layer)
        group, tokens = self.heads // self.kv_heads, x.shape[1]
        k, v = k.repeat(group, 1), v.repeat(group, 1)
        logits = q @ k.swapaxes(-1, -2) / np.sqrt(np.float32(self.head_dimensions))
        logits += np.triu(np.full((tokens, tokens), -np.inf, np.float32), 1)
        weights = np.exp(logits - logits.max(-1, keepdims=True))
        mixed = (weights / weights.sum(-1, keepdims=True)) @ v
        x = x + self.linear(mixed.swapaxes(1, 2).reshape(*x.shape[:2], -1), f"blk.{layer}.attn_output")
        h, name = self.norm(x, f"blk.{layer}.ffn_norm"), f"blk.{layer}.ffn_"
        gate = self.linear(h, name + "gate")
        return x + self.linear(gate / (1 + np.exp(-gate)) * self.linear(h, name + "up"), name + "down")

    def hidden(self, ids, layers=None):
        x = self.weights["token_embd.weight"][np.asarray(ids)]
        for layer in range(self.layers if layers is None else layers):
            x = self.block(x, layer)
        return x if layers is not None else self.norm(x, "output_norm")


def embed(model, tokenizer, texts):
    """Mean of the last hidden states, scaled to length 1. Attention is causal, so padding behind a text is harmless."""
    tokens = [tokenizer.encode(text)[:PASSAGE_TOKENS] for text in texts]
    order = sorted(range(len(tokens)), key=lambda i: len(tokens[i]))
    result = np.empty((len(tokens), model.weights["token_embd.weight"].shape[1]), np.float32)
    for first in range(0, len(order), BATCH):
        part = order[first : first + BATCH]
        longest = len(tokens[part[-1]])
        states = model.hidden([tokens[i] + [0] * (longest - len(tokens[i])) for i in part])
        for i, state in zip(part, states):
            mean = state[: len(tokens[i])].mean(0)
            result[i] = mean / np.linalg.norm(mean)
    return result


def paragraphs():
    texts = (re.sub(r"\s+", " ", text).strip() for text in BOOK.read_text().split("\n\n"))
    return [text for text in texts if len(text) > 20]


def passages():
    """Short paragraphs joined, as the embedding model was trained on."""
    result, current = [], ""
    for text in paragraphs():
        current = f"{current} {text}".strip()
        if len(current) > 280:
            result.append(current[:1200])
            current = ""
    return result


def check(name, got, golden, tolerance):
    error = float(np.abs(np.asarray(got) - np.asarray(golden)).max())
    print(f"{name}: largest difference from the trained model {error:.2g}")
    assert error < tolerance, name


def main():
    models = Path(sys.argv[1])
    report = json.loads((models / "report.json").read_text())
    tokenizer = Tokenizer(models / "tokenizer.json")
    for prompt, golden in report["golden_greedy"].items():
        ids = tokenizer.encode(golden["text"])
        assert tokenizer.encode(prompt) == golden["ids"][1 : 1 + len(tokenizer.encode(prompt))], (prompt, ids)

    lm = Llama(models / "demo-lm-7m-f16.gguf")
    last = lm.hidden([report["golden_logits_ids"]])[0, -1]
    logits = last @ lm.weights["token_embd.weight"][:16].T
    check("logits", logits, report["golden_logits_last_first16"], 0.05)
    text = [id for paragraph in paragraphs() for id in tokenizer.encode(paragraph + "\n\n")]
    x = lm.hidden([[0] + text[: ATTENTION_TOKENS - 1]], ATTENTION_LAYER)
    heads = np.concatenate(lm.projections(x, ATTENTION_LAYER), 1)[0]
    np.save(FIXTURES / "demo-lm-attention.npy", heads.astype(np.float16))

    embedder = Llama(models / "demo-embed-7m-q8_0.gguf")
    for text, golden in report["golden_embedding_first8"].items():
        check("embedding", embed(embedder, tokenizer, [text])[0, :8], golden, 0.01)
    np.save(FIXTURES / "demo-embed-passages.npy", embed(embedder, tokenizer, passages()[:PASSAGES]).astype(np.float16))


main()
