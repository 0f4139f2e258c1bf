"""AbsVal."""

from cafpy.testing.case import Case

CASES = [Case("plain", 'type: "AbsVal"', [(2, 3, 4)], kinks=[0])]


def test_refuses_to_work_in_place(refusal):
    said = refusal('type: "AbsVal"', [(2, 3)], in_place=True)
    assert said == "cannot work in place: give it a top of another name than 'b0'"
