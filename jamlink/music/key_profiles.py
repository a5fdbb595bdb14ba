"""What a key sounds like: weights that `jamlink.music.key_estimate` adds up, in hundredths.

Fitted by softmax regression over the 24 keys on bars of public-domain folk tunes and hymns and on rendered chord
charts (Billboard, Weimar), each with the key its editor gave. Rows are major, then minor; entries go by semitones
above the tonic. The shares are multiplied by the square root of the number of onsets before they are weighed.
No tune that shares its melody with the Nottingham collection or with OpenEWLD was seen, so both can judge the result.
"""

from __future__ import annotations

Row = tuple[int, ...]

MINOR_BIAS = -199

LENGTH: tuple[Row, Row] = (
    (162, -55, 15, -41, 89, -38, -108, 98, -55, 7, -51, -19),
    (229, -50, -42, 62, -192, -24, -63, 129, -46, -72, 85, -23),
)
"""The share of sounding length of a pitch class."""

COUNT: tuple[Row, Row] = (
    (75, -74, 43, -40, 51, 106, -122, 77, -48, 43, -104, 0),
    (64, -71, 131, 34, -167, 106, -55, 67, -16, -60, 3, -42),
)
"""The share of onsets of a pitch class."""

FIRST: tuple[Row, Row] = (
    (59, -51, 22, -56, 37, 0, -25, 43, -36, 12, 1, 4),
    (32, -24, 13, 23, -16, -12, 2, 42, -21, -44, 15, -21),
)
"""The first note (the lowest, where it is a chord)."""

LAST: tuple[Row, Row] = (
    (11, -9, 24, -39, 5, 20, -20, 19, -31, 15, -13, 26),
    (19, -11, 27, -14, -19, 17, -35, -15, 1, -16, -10, 48),
)
"""The last note (the highest, where it is a chord)."""

STEP: tuple[tuple[Row, ...], tuple[Row, ...]] = (
    (
        (4, -12, 51, 2, 35, -55, -6, 91, -5, -16, -161, 113),
        (-29, 32, -33, -17, -61, 74, 31, -38, 9, -24, -4, -37),
        (48, -50, -3, -108, 14, 8, -64, -24, 18, -3, -7, 72),
        (-81, -11, -115, -1, 12, -24, 49, -40, 20, -12, 15, -1),
        (106, -49, 132, 16, -16, 101, -72, 7, -53, 26, 26, -18),
        (-101, 1, 84, -85, 97, 5, 14, -55, 44, 21, -8, 70),
        (7, 4, -85, 11, -143, -13, 39, -19, 36, -2, 54, 11),
        (40, 24, -19, -24, 90, 56, 28, 1, -31, 59, 18, -17),
        (34, 39, 10, -6, -2, -12, 12, -81, 4, -38, 27, -34),
        (-9, -31, 36, 2, -27, 7, -48, 98, 13, 0, -40, 63),
        (-73, 37, -19, 63, -43, 3, -2, -81, -23, -41, 50, -14),
        (87, -48, 8, -20, -47, 40, -34, 39, -20, 58, -16, -44),
    ),
    (
        (5, -34, 23, 52, -10, -103, 2, 94, -44, -84, -2, 4),
        (-24, 4, -15, -42, 2, 30, 2, -6, 5, 6, -33, -3),
        (38, 2, -45, 52, -61, -17, -20, -41, 9, -14, 115, -22),
        (15, -20, 75, 41, -8, 61, 6, 73, -26, -14, 50, 8),
        (-40, 3, -42, -9, 18, -40, -5, -33, 1, 32, -13, -9),
        (-89, -21, 72, 50, -29, -64, -19, 53, 3, -51, 1, 1),
        (-3, 6, 2, -16, -2, -7, 2, -25, 0, -12, -14, -1),
        (84, -14, -13, 32, -3, 103, -10, -5, 69, 72, 2, -15),
        (-20, -4, 0, -24, 1, -23, -8, 105, -10, -10, -50, 54),
        (-62, 3, -6, -20, -2, -33, -8, -56, -7, 5, 61, -17),
        (-19, -7, 26, -55, -22, 85, -14, 150, 28, -18, 4, -11),
        (60, 24, -55, 22, -13, -20, -4, -15, 1, -30, -5, -25),
    ),
)
"""The share of a step of the top line: by where it comes from, then by where it goes to."""
