//! The letters of captchas, as strokes on a grid of 10 × 10. None that looks like another: no O and 0, no I, 1 and L,
//! no S and 5, no B and 8, no G and 6, no Z and 2, no U and V, no D and Q.

/// The letters there are.
pub(super) const LETTERS: &[char] = &[
    '3', '4', '7', '9', 'A', 'C', 'E', 'F', 'H', 'K', 'M', 'N', 'P', 'R', 'T', 'W', 'X', 'Y',
];

/// A line through these points, x to the right and y down.
type Stroke = &'static [(u8, u8)];

/// The strokes of a letter; none of what is no letter of ours.
pub(super) fn strokes(letter: char) -> &'static [Stroke] {
    match letter {
        '3' => &[&[
            (1, 1),
            (4, 0),
            (8, 1),
            (8, 4),
            (4, 5),
            (8, 6),
            (9, 8),
            (7, 10),
            (3, 10),
            (1, 9),
        ]],
        '4' => &[&[(7, 10), (7, 0), (1, 7), (9, 7)]],
        '7' => &[&[(1, 0), (9, 0), (4, 10)]],
        '9' => &[&[
            (9, 4),
            (6, 6),
            (2, 5),
            (1, 3),
            (3, 0),
            (7, 0),
            (9, 2),
            (9, 4),
            (8, 8),
            (6, 10),
            (3, 10),
        ]],
        'A' => &[&[(0, 10), (5, 0), (10, 10)], &[(2, 6), (8, 6)]],
        'C' => &[&[(9, 2), (7, 0), (3, 0), (1, 3), (1, 7), (3, 10), (7, 10), (9, 8)]],
        'E' => &[&[(9, 0), (1, 0), (1, 10), (9, 10)], &[(1, 5), (7, 5)]],
        'F' => &[&[(9, 0), (1, 0), (1, 10)], &[(1, 5), (7, 5)]],
        'H' => &[&[(1, 0), (1, 10)], &[(9, 0), (9, 10)], &[(1, 5), (9, 5)]],
        'K' => &[&[(1, 0), (1, 10)], &[(9, 0), (1, 6)], &[(4, 4), (9, 10)]],
        'M' => &[&[(0, 10), (1, 0), (5, 6), (9, 0), (10, 10)]],
        'N' => &[&[(1, 10), (1, 0), (9, 10), (9, 0)]],
        'P' => &[&[(1, 10), (1, 0), (7, 0), (9, 1), (9, 4), (7, 6), (1, 6)]],
        'R' => &[
            &[(1, 10), (1, 0), (7, 0), (9, 1), (9, 4), (7, 5), (1, 5)],
            &[(5, 5), (9, 10)],
        ],
        'T' => &[&[(0, 0), (10, 0)], &[(5, 0), (5, 10)]],
        'W' => &[&[(0, 0), (2, 10), (5, 3), (8, 10), (10, 0)]],
        'X' => &[&[(1, 0), (9, 10)], &[(9, 0), (1, 10)]],
        'Y' => &[&[(1, 0), (5, 5), (9, 0)], &[(5, 5), (5, 10)]],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_has_strokes_of_its_own() {
        for (n, letter) in LETTERS.iter().enumerate() {
            assert!(!strokes(*letter).is_empty(), "{letter}");
            for other in &LETTERS[n + 1..] {
                assert_ne!(strokes(*letter), strokes(*other));
            }
        }
    }
}
