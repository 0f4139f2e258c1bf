"""The contract's checks find what they are there to find."""

from pathlib import Path

import pytest

from cafpy import registry
from cafpy.testing import contract
from cafpy.testing.case import Case
from cafpy.testing.contract import CHECKS, check_layer


@pytest.fixture(autouse=True)
def plugged_in(monkeypatch):
    monkeypatch.setattr(registry, "_plugged_in", {})
    registry.plug_in(Path(__file__).with_name("faulty_layers.py"))


@pytest.mark.parametrize("layer", ["Good", "Draws"])
def test_a_good_layer_passes(layer):
    check_layer(Case("good", f'type: "{layer}"', [(3, 4)], stochastic=layer == "Draws"))


FAULTS = [
    ("WrongGradient", "check_gradient", "the gradient of bottom 0 at"),
    ("WrongParamGradient", "check_gradient", "the gradient of parameter 0 at"),
    ("AddsToBottomDiff", "check_backward", "backward leaves 24 entries of bottom 0's diff as they were"),
    ("OverwritesParamDiff", "check_backward", "backward does not add to parameter 0's diff"),
    ("IgnoresPropagateDown", "check_backward", "backward writes bottom 0's diff, though propagate_down is false"),
    ("IgnoresParamPropagateDown", "check_backward", "parameter 0's diff is written, though param_propagate_down is"),
    ("NoParamDiffWithoutBottomDiff", "check_backward", "parameter 0 diff depends on whether bottom 0's gradient"),
    ("ChangesBottom", "check_repeats", "bottom 0 is changed"),
    ("Accumulates", "check_repeats", "top 0 in the second pass and in the first"),
    ("ShapesOnlyOnce", "check_reshape", "top 0 after a reshape and when built so"),
    ("AllocatesInForward", "check_memory", "allocated anew in each pass, could be in reshape: self.cubed"),
    ("MixesInHostArrays", "check_fake_device", "a host array of shape (3, 8) meets device arrays"),
    ("GoesToTheHost", "check_fake_device", "float(x) waits for the device"),
    ("WrongFastBody", "check_fast_bodies", "top 0 on cpu and by the plain body, many items"),
    ("CountsByIndex", "check_counts_declared", "list index out of range"),
    ("ReadsWhatIsOverwritten", "check_in_place", "bottom 0 diff in place and not in place"),
    ("DrawsWithoutState", "check_state", "draws random numbers, but state() is empty"),
    ("ForgetsItsState", "check_state", "does not repeat the pass after it"),
    ("DrawsTheSame", "check_state", "two passes draw the same random numbers"),
]


@pytest.mark.parametrize(("layer", "check", "message"), FAULTS)
def test_a_fault_is_found(layer, check, message):
    case = Case("faulty", f'type: "{layer}"', [(3, 8)], stochastic="Draws" in layer)
    with pytest.raises(Exception) as error:
        getattr(contract, check)(case)
    assert message in str(error.value)


def test_every_check_finds_a_fault():
    assert {check.__name__ for check in CHECKS} == {check for _, check, _ in FAULTS}


def test_a_failure_tells_case_and_check():
    with pytest.raises(AssertionError) as error:
        check_layer(Case("faulty", 'type: "ChangesBottom"', [(3, 4)]))
    assert error.value.__notes__ == ["ChangesBottom 'faulty', check_repeats"]


def test_wrong_counts_are_errors(monkeypatch):
    case = Case("plain", 'type: "Good"', [(3, 4)])
    contract.check_counts_declared(case)  # the harness refuses them, as a net does
    monkeypatch.setattr("cafpy.testing.harness.check_counts", lambda layer: None)
    with pytest.raises(AssertionError, match="takes 1 bottoms and 2 tops without an error, but declares otherwise"):
        contract._check_count(case, 1, 2, allowed=False)
