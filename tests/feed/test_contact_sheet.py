import numpy as np

from cafpy.feed.contact_sheet import GAP, TEXT, contact_sheet


def test_tiles_are_where_they_should_be():
    red = np.zeros((3, 5, 5), np.uint8)
    red[2] = 200
    gray = np.full((1, 40, 10), 99.6, np.float32)
    sheet = contact_sheet([red, gray, gray], ["1 ant", "größe", ""], size=20, columns=2)
    assert sheet.shape == (3, 2 * (20 + TEXT + GAP) + GAP, 2 * (20 + GAP) + GAP)
    assert (sheet[2, GAP : GAP + 20, GAP : GAP + 20] == 200).all()  # four times as large
    assert (sheet[:2, GAP : GAP + 20, GAP : GAP + 20] == 0).all()
    second = sheet[:, GAP : GAP + 20, 2 * GAP + 20 : 2 * GAP + 40]
    assert (second[:, :, 7:12] == 100).all() and (second[:, :, :7] == 255).all()  # half as large, in the middle
    text = sheet[:, GAP + 20 : GAP + 20 + TEXT, GAP : GAP + 20]
    assert text.min() < 128


def test_what_is_no_byte_is_cut():
    wild = np.array([[[-5.0, 300.0, np.nan]]], np.float32)
    sheet = contact_sheet([wild], [""], size=3)
    assert sheet[0, GAP + 1, GAP : GAP + 3].tolist() == [0, 255, 0]
