//! Letters of 5 x 7 pixels, for the names of clips on a sheet: a font library would be larger than all of this program's
//! drawing. Small letters look like capitals; what is not here is an empty box.

/// Pixels from one letter to the next.
pub const ADVANCE: usize = 6;

/// Rows from the top; the highest of five bits is the leftmost pixel.
const LETTERS: [(char, [u8; 7]); 47] = [
    (' ', [0, 0, 0, 0, 0, 0, 0]),
    ('(', [2, 4, 8, 8, 8, 4, 2]),
    (')', [8, 4, 2, 2, 2, 4, 8]),
    ('+', [0, 4, 4, 31, 4, 4, 0]),
    (',', [0, 0, 0, 0, 12, 4, 8]),
    ('-', [0, 0, 0, 31, 0, 0, 0]),
    ('.', [0, 0, 0, 0, 0, 12, 12]),
    ('/', [1, 1, 2, 4, 8, 16, 16]),
    ('0', [14, 17, 19, 21, 25, 17, 14]),
    ('1', [4, 12, 4, 4, 4, 4, 14]),
    ('2', [14, 17, 1, 2, 4, 8, 31]),
    ('3', [14, 17, 1, 6, 1, 17, 14]),
    ('4', [2, 6, 10, 18, 31, 2, 2]),
    ('5', [31, 16, 30, 1, 1, 17, 14]),
    ('6', [6, 8, 16, 30, 17, 17, 14]),
    ('7', [31, 1, 2, 4, 8, 8, 8]),
    ('8', [14, 17, 17, 14, 17, 17, 14]),
    ('9', [14, 17, 17, 15, 1, 2, 12]),
    (':', [0, 12, 12, 0, 12, 12, 0]),
    ('=', [0, 0, 31, 0, 31, 0, 0]),
    ('A', [14, 17, 17, 31, 17, 17, 17]),
    ('B', [30, 17, 17, 30, 17, 17, 30]),
    ('C', [14, 17, 16, 16, 16, 17, 14]),
    ('D', [30, 17, 17, 17, 17, 17, 30]),
    ('E', [31, 16, 16, 30, 16, 16, 31]),
    ('F', [31, 16, 16, 30, 16, 16, 16]),
    ('G', [14, 17, 16, 23, 17, 17, 15]),
    ('H', [17, 17, 17, 31, 17, 17, 17]),
    ('I', [14, 4, 4, 4, 4, 4, 14]),
    ('J', [7, 2, 2, 2, 2, 18, 12]),
    ('K', [17, 18, 20, 24, 20, 18, 17]),
    ('L', [16, 16, 16, 16, 16, 16, 31]),
    ('M', [17, 27, 21, 21, 17, 17, 17]),
    ('N', [17, 25, 21, 19, 17, 17, 17]),
    ('O', [14, 17, 17, 17, 17, 17, 14]),
    ('P', [30, 17, 17, 30, 16, 16, 16]),
    ('Q', [14, 17, 17, 17, 21, 18, 13]),
    ('R', [30, 17, 17, 30, 20, 18, 17]),
    ('S', [15, 16, 16, 14, 1, 1, 30]),
    ('T', [31, 4, 4, 4, 4, 4, 4]),
    ('U', [17, 17, 17, 17, 17, 17, 14]),
    ('V', [17, 17, 17, 17, 17, 10, 4]),
    ('W', [17, 17, 17, 21, 21, 27, 17]),
    ('X', [17, 10, 4, 4, 4, 10, 17]),
    ('Y', [17, 17, 10, 4, 4, 4, 4]),
    ('Z', [31, 1, 2, 4, 8, 16, 31]),
    ('_', [0, 0, 0, 0, 0, 0, 31]),
];

/// An empty box.
const UNKNOWN: [u8; 7] = [31, 17, 17, 17, 17, 17, 31];

/// Pixels of a line of text, from left to right.
pub fn width(text: &str) -> usize {
    text.chars().count() * ADVANCE
}

/// Column and row of each pixel of a letter.
pub fn pixels(letter: char) -> impl Iterator<Item = (usize, usize)> {
    let capital = letter.to_ascii_uppercase();
    let rows = LETTERS.iter().find(|(name, _)| *name == capital);
    let rows = rows.map_or(UNKNOWN, |(_, rows)| *rows);
    (0..7).flat_map(move |y| (0..5).filter(move |x| rows[y] & (16 >> x) != 0).map(move |x| (x, y)))
}
