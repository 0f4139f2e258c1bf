"""Fine-tuning: weights from files, also into nets with another number of classes."""

import numpy as np
import pytest
from click.testing import CliRunner

from cafpy.cli import main
from cafpy.errors import WeightsError

CLASSES = (
    'layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 2 '
    'weight_filler { type: "xavier" } } }\n'
    'layer { name: "top" type: "InnerProduct" bottom: "ip" top: "top" inner_product_param { num_output: 2 '
    'weight_filler { type: "xavier" } } }\n'
    'layer { name: "loss" type: "EuclideanLoss" bottom: "top" bottom: "y" top: "loss" }\n'
)


@pytest.fixture
def trained(folder, make_solver, net_text):
    """Nets of two layers, in net.prototxt, and one whose lower layer is wider, in wide.prototxt; weights of each."""
    data = net_text[: net_text.index('layer { name: "ip"')]
    wide = CLASSES.replace("num_output: 2", "num_output: 5", 1)
    for name, layers, seed in (("net", CLASSES, 5), ("wide", wide, 6)):
        (folder / f"{name}.prototxt").write_text(data + layers)
        solver = make_solver(f'net: "{name}.prototxt" snapshot_prefix: "{name}" random_seed: {seed}')
        solver.snapshot()
    return folder


def test_another_number_of_classes_needs_no_renaming(trained, make_solver):
    solver, fresh = (make_solver('net: "wide.prototxt" test_iter: 1 test_interval: 9') for _ in range(2))
    report = solver.load_weights("net_iter_0.caffemodel")
    assert (report.copied, list(report.different)) == ([], ["ip", "top"])
    np.testing.assert_array_equal(solver.flat.data, fresh.flat.data)
    solver.load_weights("wide_iter_0.caffemodel", strict=True)
    assert not np.array_equal(solver.flat.data, fresh.flat.data)


def test_strict_refuses_and_copies_nothing(trained, make_solver):
    solver = make_solver('net: "wide.prototxt"')
    before = solver.flat.data.copy()
    with pytest.raises(WeightsError, match=r"layer 'ip': re-initialised: parameter 0 has shape 5×3, in the file 2×3"):
        solver.load_weights("net_iter_0.caffemodel", strict=True)
    with pytest.raises(WeightsError, match="as --strict wants it"):
        make_solver('net: "wide.prototxt" weights: "net_iter_0.caffemodel"', strict_weights=True)
    np.testing.assert_array_equal(solver.flat.data, before)


def test_a_misspelt_file_is_told_with_its_line_and_the_nearest(trained, make_solver):
    """The second file of the second line, before anything is loaded from it."""
    with pytest.raises(WeightsError) as error:
        make_solver('weights: "net_iter_0.caffemodel"\nweights: "net_iter_0.caffemodel, net_iter0.caffemodel"')
    assert str(error.value) == (
        "solver.prototxt:2: weights: the weight file 'net_iter0.caffemodel' does not exist (did you mean "
        f"'net_iter_0.caffemodel'?) (looked in {trained})"
    )


def test_a_file_of_the_solver_that_does_not_load_is_told_with_its_line(trained, make_solver):
    with pytest.raises(WeightsError, match=r"^solver.prototxt:1: weights: net.prototxt .*is it a prototxt\?"):
        make_solver('weights: "net.prototxt"')


SOLVER = 'net: "wide.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 1 random_seed: 1 solver_mode: CPU '


@pytest.mark.parametrize(
    "options",
    [
        ["--weights", "net_iter_0.caffemodel,wide_iter_0.caffemodel"],
        ["--weights", "net_iter_0.caffemodel", "--weights", "wide_iter_0.caffemodel"],
    ],
)
def test_several_files_on_the_command_line(trained, options):
    (trained / "solver.prototxt").write_text(SOLVER)
    result = CliRunner().invoke(main, ["train", "--solver", "solver.prototxt", *options])
    assert result.exit_code == 0, result.output
    lines = [line.split("] ", 1)[-1] for line in result.output.splitlines()]
    start = next(i for i, line in enumerate(lines) if line.startswith("Finetuning from net_iter_0.caffemodel"))
    assert lines[start : start + 6] == [
        "Finetuning from net_iter_0.caffemodel: 0 of 2 layers with weights copied; "
        "of another shape, so learned anew: ip, top",
        "    ip   re-initialised: parameter 0 has shape 5×3, in the file 2×3, parameter 1 has shape 5, in the file 2",
        "    top  re-initialised: parameter 0 has shape 2×5, in the file 2×2",
        "Finetuning from wide_iter_0.caffemodel: 2 of 2 layers with weights copied",
        "    ip   copied",
        "    top  copied",
    ]
    result = CliRunner().invoke(main, ["train", "--solver", "solver.prototxt", "--strict", *options])
    assert result.exit_code == 1
    assert "net_iter_0.caffemodel does not fit the net in all layers, as --strict wants it" in result.output
