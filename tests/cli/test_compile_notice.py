"""A first run says that it compiles, once."""

from numba import njit

from cafpy.cli.compile_notice import announce_compiling


def test_said_once_and_only_when_something_is_compiled(capfd):
    announce_compiling()
    assert capfd.readouterr().err == ""
    for function in (lambda x: x + 1, lambda x: x + 2):
        njit(function)(1)
    assert capfd.readouterr().err.count("Compiling kernels for this machine, once") == 1
