"""A scalar Python function as a CUDA element-wise kernel.

The function's syntax tree is written down as C++. What has no counterpart there (loops, strings, calls of other
Python functions) is refused with the line that uses it, when the kernel is made. Everything is of the arrays' type T:
arguments, options, local names and literals, as in the function's CPU kernel.
"""

from __future__ import annotations

import ast
import inspect
import math
import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np

from cafpy.errors import BackendError

# NumPy's names of functions that CUDA has, overloaded for float and double
_SAME_NAME = (
    *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "cbrt", "floor", "ceil", "trunc", "rint"),
    *("sin", "cos", "tan", "sinh", "cosh", "tanh", "hypot", "copysign", "fmax", "fmin", "isnan", "isinf", "isfinite"),
)
_OTHER_NAME = {
    "abs": "fabs",
    "absolute": "fabs",
    "power": "pow",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "maximum": "cafpy_maximum",
    "minimum": "cafpy_minimum",
    "sign": "cafpy_sign",
    "where": "cafpy_where",
}
_FUNCTIONS = {**{name: name for name in _SAME_NAME}, **_OTHER_NAME}
_BUILTINS = {"abs": "fabs", "float": "T"}

_PREAMBLE = """\
template <typename T> __device__ T cafpy_maximum(T a, T b) { return a > b || a != a ? a : b; }
template <typename T> __device__ T cafpy_minimum(T a, T b) { return a < b || a != a ? a : b; }
template <typename T> __device__ T cafpy_sign(T a) { return a != a ? a : T(a > T(0)) - T(a < T(0)); }
template <typename T> __device__ T cafpy_where(bool c, T a, T b) { return c ? a : b; }
"""

_ARITHMETIC: dict[type, str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_SIGNS: dict[type, str] = {ast.USub: "-", ast.UAdd: "+", ast.Not: "!"}
_RELATIONS: dict[type, str] = {ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<=", ast.Eq: "==", ast.NotEq: "!="}


def compile_cuda(scalar: Callable[..., Any], arrays: int, options: int) -> Any:
    """A cupy.ElementwiseKernel ``(*arrays, *options, out)`` of ``scalar(*arrays, *options)``."""
    import cupy

    names = [f"in{i}" for i in range(arrays + options)]
    return cupy.ElementwiseKernel(
        ", ".join(f"T {name}" for name in names),
        "T out",
        f"out = cafpy_element<T>({', '.join(names)});",
        f"cafpy_{scalar.__qualname__}".replace(".", "_").replace("<", "").replace(">", ""),
        preamble=cuda_source(scalar),
    )


def cuda_source(scalar: Callable[..., Any]) -> str:
    """C++ of ``scalar`` as the device function template ``cafpy_element<T>``.

    Raises BackendError, with file and line, for what cannot be said in C++.
    """
    source = textwrap.dedent(inspect.getsource(scalar))
    (function,) = ast.parse(source).body
    writer = _Writer(scalar)
    if not isinstance(function, ast.FunctionDef):
        raise writer.refused(function, "a scalar function is written with `def`")
    return _PREAMBLE + writer.function(function)


class _Writer:
    """Writes one function. ``known`` are the names that the function sees outside itself."""

    def __init__(self, scalar: Callable[..., Any]):
        code = scalar.__code__
        self.file, self.line = code.co_filename, code.co_firstlineno
        cells = inspect.getclosurevars(scalar)
        self.known = {**cells.globals, **cells.nonlocals}

    def refused(self, node: Any, why: str) -> BackendError:
        line = self.line + getattr(node, "lineno", 1) - 1
        return BackendError(f"{self.file}:{line}: this scalar function cannot run on the GPU: {why}")

    def function(self, node: ast.FunctionDef) -> str:
        given = node.args
        if given.vararg or given.kwarg or given.kwonlyargs or given.defaults:
            raise self.refused(node, "it may have plain arguments only, without defaults or *")
        arguments = [argument.arg for argument in (*given.posonlyargs, *given.args)]
        names = [name for name in ast.walk(node) if isinstance(name, ast.Name)]
        targets = [name.id for name in names if isinstance(name.ctx, ast.Store)]
        self.local = {*arguments, *targets}
        declared = "".join(f"  T {name};\n" for name in dict.fromkeys(targets) if name not in arguments)
        head = ", ".join(f"T {name}" for name in arguments)
        return f"template <typename T> __device__ T cafpy_element({head}) {{\n{declared}{self.block(node.body)}}}\n"

    def block(self, body: list[ast.stmt]) -> str:
        return "".join(self.statement(node) for node in body)

    def statement(self, node: ast.stmt) -> str:
        match node:
            case ast.Expr(ast.Constant(str())) | ast.Pass():  # a docstring
                return ""
            case ast.Return(ast.expr() as value):
                return f"  return T({self.expression(value)});\n"
            case ast.Assign([ast.Name(name)], value):
                return f"  {name} = {self.expression(value)};\n"
            case ast.AugAssign(ast.Name(name) as target, operator, value):
                return f"  {name} = {self.binary(node, operator, self.name(target), self.expression(value))};\n"
            case ast.If(test, body, orelse):
                text = f"  if ({self.expression(test)}) {{\n{self.block(body)}  }}"
                return f"{text} else {{\n{self.block(orelse)}  }}\n" if orelse else text + "\n"
        raise self.refused(node, f"`{ast.unparse(node).splitlines()[0]}` has no counterpart there")

    def expression(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(bool(value)):
                return str(value).lower()
            case ast.Constant(int(value) | float(value)):
                return self.number(value)
            case ast.Name():
                return self.name(node)
            case ast.BinOp(left, operator, right):
                return self.binary(node, operator, self.expression(left), self.expression(right))
            case ast.UnaryOp(operator, operand) if type(operator) in _SIGNS:
                return f"({_SIGNS[type(operator)]}{self.expression(operand)})"
            case ast.BoolOp(operator, values):
                joint = " && " if isinstance(operator, ast.And) else " || "
                return f"({joint.join(map(self.expression, values))})"
            case ast.Compare(left, relations, rights) if all(type(relation) in _RELATIONS for relation in relations):
                terms = [self.expression(term) for term in (left, *rights)]
                pairs = [
                    f"{a} {_RELATIONS[type(relation)]} {b}"
                    for a, relation, b in zip(terms, relations, terms[1:], strict=False)
                ]
                return f"({' && '.join(pairs)})"
            case ast.IfExp(test, body, orelse):
                return f"({self.expression(test)} ? T({self.expression(body)}) : T({self.expression(orelse)}))"
            case ast.Call(function, arguments, []):
                return f"{self.callee(function)}({', '.join(map(self.argument, arguments))})"
            case ast.Attribute(ast.Name(module), name) if isinstance(
                getattr(self.known.get(module), name, None), float
            ):
                return self.number(getattr(self.known[module], name))
        raise self.refused(node, f"`{ast.unparse(node)}` has no counterpart there")

    def binary(self, node: ast.AST, operator: ast.operator, left: str, right: str) -> str:
        if isinstance(operator, ast.Pow):
            return f"pow(T({left}), T({right}))"
        if type(operator) not in _ARITHMETIC:
            raise self.refused(node, f"`{ast.unparse(node)}`: of the operators, + - * / ** are there")
        return f"({left} {_ARITHMETIC[type(operator)]} {right})"

    def name(self, node: ast.Name) -> str:
        if node.id in self.local:
            return node.id
        value = self.known.get(node.id)
        if isinstance(value, int | float):
            return self.number(value)
        raise self.refused(node, f"'{node.id}' is neither an argument, a local name nor a number")

    def callee(self, node: ast.expr) -> str:
        match node:
            case ast.Attribute(ast.Name(module), name) if self.known.get(module) in (np, math) and name in _FUNCTIONS:
                return _FUNCTIONS[name]
            case ast.Name(name) if name in _BUILTINS and name not in self.known:
                return _BUILTINS[name]
        raise self.refused(node, f"the function `{ast.unparse(node)}` is not there; use NumPy's scalar functions")

    def argument(self, node: ast.expr) -> str:
        text = self.expression(node)
        return text if isinstance(node, ast.Compare | ast.BoolOp) else f"T({text})"

    @staticmethod
    def number(value: float) -> str:
        if value != value:
            return "T(NAN)"
        if abs(value) == float("inf"):
            return f"T({'-' if value < 0 else ''}INFINITY)"
        return f"T({float(value)!r})"
