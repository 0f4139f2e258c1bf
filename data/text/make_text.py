"""Make HDF5 files for a recurrent net from text: rows are time steps, columns are texts read beside each other.

    python data/text/make_text.py                        Python's own reference manual; no network
    python data/text/make_text.py book.txt               any text file: one long text
    python data/text/make_text.py names.txt --lines      each line a sequence of its own, of any length

Writes train.h5, test.h5, the lists train_files.txt and test_files.txt that HDF5Data reads, and vocabulary.json. The
datasets are steps × columns: `input`, a character's number; `target`, the next one's (-1 where there is none); `cont`,
0 where a sequence begins. Character 0 stands before the first character of a sequence and after its last.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

HERE = Path(__file__).resolve().parent
BORDER = "\0"  # character 0: a sequence begins or ends here
UNKNOWN = "\ufffd"  # character 1: one that found no room in the vocabulary
PADDING = -1  # as a target: nothing to learn here (the net's ignore_label)


def manual() -> str:
    """Python's language reference as `help()` shows it, 0.4 to 0.7 million characters; part of every Python."""
    from pydoc_data.topics import topics

    return "\n\n".join(topics[name].strip() for name in sorted(topics))


def make_vocabulary(text: str, size: int) -> list[str]:
    """The characters by number: the border, the unknown, and the ``size`` - 2 most frequent in alphabetical order."""
    counts = Counter(text)
    for special in (BORDER, UNKNOWN):
        counts.pop(special, None)
    return [BORDER, UNKNOWN, *sorted(character for character, _ in counts.most_common(size - 2))]


def to_numbers(text: str, vocabulary: Sequence[str]) -> np.ndarray:
    """The characters' places in the vocabulary; a character that is not there is number 1."""
    places = {character: i for i, character in enumerate(vocabulary)}
    return np.array([places.get(character, 1) for character in text], np.int16)


def columns_of_text(text: np.ndarray, columns: int) -> list[list[np.ndarray]]:
    """One long text cut into equal columns, each a list of one sequence."""
    rows = len(text) // columns
    return [[text[i * rows : (i + 1) * rows]] for i in range(columns)]


def columns_of_sequences(sequences: Sequence[np.ndarray], columns: int) -> list[list[np.ndarray]]:
    """Sequences put one below the other, each into the column that is shortest by then."""
    filled: list[list[np.ndarray]] = [[] for _ in range(columns)]
    lengths = [0] * columns
    for sequence in sequences:
        shortest = lengths.index(min(lengths))
        filled[shortest].append(sequence)
        lengths[shortest] += len(sequence) + 1
    return filled


def split_text(text: str, vocabulary: Sequence[str], columns: int, test: float) -> dict[str, list[list[np.ndarray]]]:
    """The columns to train and to test on, the test text being the last part of one long text."""
    numbers = to_numbers(text, vocabulary)
    cut = int(len(numbers) * (1 - test))
    return {"train": columns_of_text(numbers[:cut], columns), "test": columns_of_text(numbers[cut:], columns)}


def split_lines(text: str, vocabulary: Sequence[str], columns: int, test: float) -> dict[str, list[list[np.ndarray]]]:
    """The columns to train and to test on, lines drawn at random, as they often come sorted."""
    sequences = [to_numbers(line, vocabulary) for line in text.splitlines() if line]
    order = np.random.default_rng(0).permutation(len(sequences))
    cut = int(len(order) * (1 - test))
    parts = {"train": order[:cut], "test": order[cut:]}
    return {name: columns_of_sequences([sequences[i] for i in part], columns) for name, part in parts.items()}


def lay_out(columns: Sequence[Sequence[np.ndarray]], steps: int, ends: bool) -> dict[str, np.ndarray]:
    """The datasets, rows a multiple of ``steps``; what a column lacks is padding.

    With ``ends`` the border is the target after a sequence's last character; a text cut in pieces has none.
    """
    rows = max(sum(len(sequence) + ends for sequence in column) for column in columns)
    # whole batches: sequences are padded to them, a text is cut to them
    rows = -(-rows // steps) * steps if ends else rows // steps * steps
    shape = rows, len(columns)
    data = {"input": np.zeros(shape, np.int16), "cont": np.zeros(shape, np.uint8)}
    data["target"] = np.full(shape, PADDING, np.int16)
    for j, column in enumerate(columns):
        row = 0
        for sequence in column:
            target = np.append(sequence, 0)[: len(sequence) + ends][: shape[0] - row]
            here = slice(row, row + len(target))
            data["target"][here, j] = target
            data["input"][here, j] = np.append(0, sequence)[: len(target)]
            data["cont"][here, j] = np.arange(len(target)) > 0
            row += len(target)
    return data


def write(name: str, data: dict[str, np.ndarray], folder: Path, steps: int) -> None:
    """Write ``name``.h5 and the list that names it, and say what is in it."""
    path = folder / f"{name}.h5"
    with h5py.File(path, "w") as file:
        for key, values in data.items():
            file[key] = values
    (folder / f"{name}_files.txt").write_text(f"{path}\n", "utf-8")
    rows, columns = data["input"].shape
    count, padding = int((data["target"] != PADDING).sum()), int((data["target"] == PADDING).sum())
    print(
        f"{path}: {rows // steps} batches of {steps} steps × {columns} columns; {count} characters, {padding} padding"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, help="a text file, UTF-8 (default: Python's manual)")
    parser.add_argument("--lines", action="store_true", help="each line is a sequence of its own")
    parser.add_argument("--steps", type=int, default=50, help="time steps of a batch, the net's batch_size (50)")
    parser.add_argument("--columns", type=int, default=32, help="texts read beside each other (32)")
    parser.add_argument("--vocabulary", type=int, default=128, help="the most characters, the net's input_dim (128)")
    parser.add_argument("--test", type=float, default=0.1, help="part of the text that is kept for testing (0.1)")
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write to (the script's)")
    args = parser.parse_args()
    if args.lines and not args.file:
        parser.error("--lines needs a file")
    if min(args.steps, args.columns) < 1 or args.vocabulary < 3 or not 0 < args.test < 1:
        parser.error("--steps and --columns must be 1 at least, --vocabulary 3, --test between 0 and 1")
    try:
        text = args.file.read_text("utf-8") if args.file else manual()
    except (OSError, UnicodeDecodeError) as error:
        parser.error(f"{args.file} cannot be read as UTF-8 text: {error}")
    vocabulary = make_vocabulary(text.replace("\n", "") if args.lines else text, args.vocabulary)
    split = split_lines if args.lines else split_text
    parts = split(text, vocabulary, args.columns, args.test)
    data = {name: lay_out(part, args.steps, args.lines) for name, part in parts.items() if any(part)}
    if any(name not in data or (data[name]["target"] == PADDING).all() for name in parts):
        parser.error(
            f"the text is too short: training and testing need {args.columns} columns of {args.steps} steps each"
        )
    folder = args.out.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for name, datasets in data.items():
        write(name, datasets, folder, args.steps)
    (folder / "vocabulary.json").write_text(json.dumps(vocabulary, ensure_ascii=False), "utf-8")
    print(f"{folder / 'vocabulary.json'}: {len(vocabulary)} characters")


if __name__ == "__main__":
    main()
