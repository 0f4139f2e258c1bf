"""Write text with a trained character-level language model (models/char_lstm), a character at a time.

    python tools/sample_text.py --weights models/char_lstm/char_lstm_iter_2000.caffemodel --start "The "

The net has inputs `input` and `cont` of 1 × 1 and ends in the next character's probabilities; between passes its
recurrent layers keep their state.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from cafpy.net import Net
from cafpy.proto.text import read_net
from cafpy.snapshot.load import load_weights

ROOT = Path(__file__).resolve().parent.parent
BORDER = 0  # the character that stands before a text and after its last character


def characters(
    net: Net, vocabulary: Sequence[str], start: str, temperature: float, rng: np.random.Generator
) -> Iterator[str]:
    """The text after ``start``, drawn character by character, until the net draws the end.

    A temperature below 1 prefers likely characters, one near 0 always takes the likeliest.
    """
    (output,) = net.outputs
    pending = [vocabulary.index(character) for character in start]
    number, cont = BORDER, 0
    while True:
        net.blobs["input"].data[...] = number
        net.blobs["cont"].data[...] = cont
        net.forward()
        cont = 1
        if pending:
            number = pending.pop(0)
            continue
        probability = net.blobs[output].data.ravel()[: len(vocabulary)].astype(np.float64)
        log_weight = np.log(np.maximum(probability, 1e-30)) / temperature
        weight = np.exp(log_weight - log_weight.max())
        number = int(rng.choice(len(vocabulary), p=weight / weight.sum()))
        if number == BORDER:
            return
        yield vocabulary[number]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=str(ROOT / "models/char_lstm/deploy.prototxt"), help="the deploy net")
    parser.add_argument("--weights", required=True, help="trained weights")
    parser.add_argument("--vocabulary", type=Path, default=ROOT / "data/text/vocabulary.json")
    parser.add_argument("--start", default="", help="the text's first words")
    parser.add_argument("--length", type=int, default=500, help="the most characters to write (500)")
    parser.add_argument("--temperature", type=float, default=0.7, help="the smaller, the more careful (0.7)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, another text")
    args = parser.parse_args()
    if args.temperature <= 0:
        parser.error("--temperature must be greater than 0")
    vocabulary = json.loads(args.vocabulary.read_text("utf-8"))
    unknown = [character for character in args.start if character not in vocabulary]
    if unknown:
        parser.error(f"--start: the net has never seen {', '.join(map(repr, unknown))}")
    net = Net(read_net(args.model))
    load_weights(net, args.weights)
    sys.stdout.write(args.start)
    rng = np.random.default_rng(args.seed)
    for count, character in enumerate(characters(net, vocabulary, args.start, args.temperature, rng), 1):
        sys.stdout.write(character)
        sys.stdout.flush()
        if count >= args.length:
            break
    print()


if __name__ == "__main__":
    main()
