"""Write docs/solver-rules.md, the reference of all update rules, from their docstrings.

python tools/make_solver_docs.py
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

from cafpy.solvers.update_rule import UpdateRule, rule_class, solver_types

TARGET = Path(__file__).resolve().parent.parent / "docs" / "solver-rules.md"
HEAD = """# Update rules

The solver's `type` names its rule. g is the gradient as [solvers.md](solvers.md) prepares it: clipped, averaged over
`iter_size`, and, unless a rule says otherwise, with `weight_decay` added. η is the rate of `lr_policy` times `lr_mult`.
Fields that a rule does not use are accepted and said to be ignored. Written from the code by
`python tools/make_solver_docs.py`.
"""


def page() -> str:
    """The whole page."""
    rules = [rule_class(name) for name in solver_types()]
    return "\n".join([HEAD, *(section(rule) for rule in rules)])


def section(rule: type[UpdateRule]) -> str:
    """What its module says it is, its docstring, and what a snapshot holds of it."""
    module = inspect.getdoc(sys.modules[rule.__module__]) or ""
    kept = " and ".join(f"the {what}" for what in rule.keeps)
    return (
        f"## {rule.__name__}\n\n{module}\n\n{as_markdown(inspect.getdoc(rule) or '')}\n\n"
        f"A solver state holds of each parameter {kept}; and the iteration.\n"
    )


def as_markdown(doc: str) -> str:
    """Names in double backquotes become code; indented formulas are code already."""
    return doc.replace("``", "`")


if __name__ == "__main__":
    TARGET.write_text(page(), "utf-8")
    sys.stdout.write(f"{TARGET}\n")
