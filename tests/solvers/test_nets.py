import pytest

from cafpy.errors import SolverError


def stage(name):
    """A layer that only a net of this stage has."""
    return (
        f'layer {{ name: "{name}" type: "Input" top: "{name}" include {{ stage: "{name}" }} '
        "input_param { shape { dim: 1 } } }\n"
    )


def names(net):
    return net.layer_names


def test_the_train_net_has_its_phase_and_state(make_solver, net_text):
    text = net_text + stage("a") + stage("b")
    solver = make_solver('train_state { stage: "a" }', net=text)
    assert names(solver.net) == ["data", "ip", "loss", "a"]
    assert solver.net.layers[0].options.batch_size == 4
    assert solver.test_nets == []


def test_one_test_net_for_each_test_iter(make_solver, net_text):
    text = net_text + stage("a") + stage("b")
    solver = make_solver(
        'test_iter: 1 test_iter: 2 test_interval: 9 test_state { } test_state { stage: "b" }', net=text
    )
    assert [names(net) for net in solver.test_nets] == [["data", "ip", "loss"], ["data", "ip", "loss", "b"]]
    assert [net.layers[0].options.batch_size for net in solver.test_nets] == [5, 5]


def test_nets_of_their_own_come_before_the_generic_one(folder, make_solver, net_text):
    (folder / "own.prototxt").write_text(net_text.replace('"line"', '"own"'))
    param = (
        'test_net_param { name: "inline" layer { name: "i" type: "Input" top: "i" input_param { shape { dim: 1 } } } }'
    )
    solver = make_solver(f'{param} test_net: "own.prototxt" test_iter: [1, 1, 1] test_interval: 9')
    assert [net.name for net in solver.test_nets] == ["inline", "own", "line"]


def test_nets_by_every_field(folder, make_solver, net_text):
    inline = net_text.replace('"line"', '"inline"')
    for text, name in [
        ('net: "net.prototxt"', "line"),
        ('train_net: "net.prototxt"', "line"),
        (f"net_param {{ {inline} }}", "inline"),
        (f"train_net_param {{ {inline} }}", "inline"),
    ]:
        assert make_solver(text).net.name == name


def test_the_state_in_the_net_counts_too(make_solver, net_text):
    solver = make_solver(net='state { stage: "a" }' + net_text + stage("a"))
    assert names(solver.net)[-1] == "a"


@pytest.mark.parametrize(
    ("fields", "line", "said"),
    [
        ('net: "nope.prototxt"', 1, "net: the net file 'nope.prototxt' does not exist"),
        ('net: "nett.prototxt"', 1, "net: the net file 'nett.prototxt' does not exist (did you mean 'net.prototxt'?)"),
        ('\ntrain_net: "nett.prototxt"', 2, "train_net: the net file 'nett.prototxt' does not exist (did you mean "
         "'net.prototxt'?)"),
        ('test_net: "net.prototxt"\ntest_net: "sub/owen.prototxt" test_iter: [1, 1] test_interval: 1', 2,
         "test_net: the net file 'sub/owen.prototxt' does not exist (did you mean 'sub/own.prototxt'?)"),
        ('net: "netty/own.prototxt"', 1, "net: the net file 'netty/own.prototxt' does not exist"),
    ],
)  # fmt: skip
def test_a_missing_file(folder, make_solver, fields, line, said):
    """The nearest that is there is named, from the working directory or from the solver's folder."""
    (folder / "sub").mkdir()
    (folder / "sub" / "own.prototxt").write_text((folder / "net.prototxt").read_text())
    with pytest.raises(SolverError) as error:
        make_solver(fields, folder=folder / "sub")
    assert str(error.value) == f"solver.prototxt:{line}: {said} (looked in {folder} and {folder / 'sub'})"


def test_the_nearest_file_may_lie_beside_the_solver(folder, make_solver):
    (folder / "sub").mkdir()
    (folder / "sub" / "own.prototxt").touch()
    with pytest.raises(SolverError, match=r"'owen.prototxt' does not exist \(did you mean 'own.prototxt'\?\)"):
        make_solver('net: "owen.prototxt"', folder=folder / "sub")


def test_a_folder_is_no_net(folder, make_solver):
    (folder / "sub").mkdir()
    with pytest.raises(SolverError, match=r"^solver.prototxt:1: net: the net file 'sub' is a folder$"):
        make_solver('net: "sub"')
