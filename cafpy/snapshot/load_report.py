"""What became of a weight file: which layers got theirs from it, which did not and why."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class LoadReport:
    """What became of a weight file.

    Attributes:
        source: the file.
        copied: layers whose parameters came from it.
        reshaped: those of them whose parameters have another shape in it, with both; the count agrees.
        different: layers whose parameters in it have another shape or number, with both; they keep their own values.
        missing: layers of the net with parameters that it does not have; they keep theirs.
        unused: layers of the file that the net does not have.
    """

    source: str
    copied: list[str] = field(default_factory=list)
    reshaped: dict[str, str] = field(default_factory=dict)
    different: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        count = len(self.copied) + len(self.different) + len(self.missing)
        text = f"{self.source}: {len(self.copied)} of {count} layers with weights copied"
        if self.different:
            text += f"; of another shape, so learned anew: {', '.join(self.different)}"
        if self.missing:
            text += f"; not in the file, so left as they were: {', '.join(self.missing)}"
        if self.unused:
            text += f"; in the file but not in the net: {', '.join(self.unused)}"
        return text

    def table(self) -> list[str]:
        """A line for each layer of the net or the file: its name, and what became of it."""
        rows = [
            (name, f"reshaped, as the count agrees: {self.reshaped[name]}" if name in self.reshaped else "copied")
            for name in self.copied
        ]
        rows += self._not_copied()
        width = max((len(name) for name, _ in rows), default=0)
        return [f"{name:<{width}}  {what}" for name, what in rows]

    def refusal(self) -> str:
        """Why a strict loading is refused; "" when every layer was copied and no layer of the file is left."""
        rows = [f"layer '{name}': {what}" for name, what in self._not_copied()]
        return (
            "\n".join([f"{self.source} does not fit the net in all layers, as --strict wants it:", *rows])
            if rows
            else ""
        )

    def _not_copied(self) -> list[tuple[str, str]]:
        return [
            *((name, f"re-initialised: {what}") for name, what in self.different.items()),
            *((name, "not in the file") for name in self.missing),
            *((name, "unused: only in the file") for name in self.unused),
        ]
