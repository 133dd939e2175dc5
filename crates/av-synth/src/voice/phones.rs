//! The sounds of the synthetic language: vowels and consonants, and their acoustics.

/// Formant frequencies in hertz of a man of average height.
pub(crate) type Formants = [f64; 4];

/// A vowel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Vowel {
    pub(crate) letter: char,
    pub(crate) formants: Formants,
    /// How far the mouth opens, between 0 and 1.
    pub(crate) opening: f64,
}

/// What makes the sound of a consonant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Manner {
    /// Silence, then a burst of noise; voiced ones murmur during the silence.
    Plosive { voiced: bool },
    /// Noise.
    Fricative,
    /// Voice through a narrow or a nasal tract.
    Sonorant,
}

/// A consonant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Consonant {
    pub(crate) letter: char,
    pub(crate) manner: Manner,
    /// Where the formants point to while it lasts.
    pub(crate) formants: Formants,
    /// Centre of its noise in hertz.
    pub(crate) noise_hz: f64,
    /// Amplitude of its noise, and of its voice for a sonorant, relative to a vowel.
    pub(crate) level: f64,
    /// Duration in seconds at the average rate of speech.
    pub(crate) duration_s: f64,
    /// How far the mouth opens, between 0 and 1.
    pub(crate) opening: f64,
}

pub(crate) const VOWELS: [Vowel; 6] = [
    Vowel { letter: 'a', formants: [730.0, 1240.0, 2500.0, 3500.0], opening: 1.0 },
    Vowel { letter: 'e', formants: [500.0, 1850.0, 2550.0, 3550.0], opening: 0.6 },
    Vowel { letter: 'i', formants: [290.0, 2250.0, 3000.0, 3650.0], opening: 0.3 },
    Vowel { letter: 'o', formants: [480.0, 880.0, 2450.0, 3400.0], opening: 0.65 },
    Vowel { letter: 'u', formants: [310.0, 870.0, 2250.0, 3350.0], opening: 0.3 },
    Vowel { letter: 'A', formants: [620.0, 1600.0, 2450.0, 3500.0], opening: 0.85 },
];

const fn plosive(letter: char, voiced: bool, formants: Formants, noise_hz: f64) -> Consonant {
    let manner = Manner::Plosive { voiced };
    Consonant { letter, manner, formants, noise_hz, level: 0.5, duration_s: 0.07, opening: 0.1 }
}

const fn fricative(letter: char, formants: Formants, noise_hz: f64, level: f64) -> Consonant {
    let manner = Manner::Fricative;
    Consonant { letter, manner, formants, noise_hz, level, duration_s: 0.09, opening: 0.15 }
}

const fn sonorant(letter: char, formants: Formants, level: f64, opening: f64) -> Consonant {
    let manner = Manner::Sonorant;
    Consonant { letter, manner, formants, noise_hz: 0.0, level, duration_s: 0.06, opening }
}

pub(crate) const CONSONANTS: [Consonant; 12] = [
    Consonant { opening: 0.0, ..plosive('p', false, [350.0, 900.0, 2200.0, 3400.0], 900.0) },
    plosive('t', false, [350.0, 1750.0, 2700.0, 3500.0], 4200.0),
    plosive('k', false, [350.0, 1900.0, 2300.0, 3500.0], 2000.0),
    Consonant { opening: 0.0, ..plosive('b', true, [300.0, 900.0, 2200.0, 3400.0], 800.0) },
    plosive('d', true, [300.0, 1700.0, 2650.0, 3500.0], 3800.0),
    plosive('g', true, [300.0, 1900.0, 2300.0, 3500.0], 1900.0),
    fricative('s', [350.0, 1700.0, 2650.0, 3500.0], 5600.0, 0.50),
    fricative('S', [350.0, 1800.0, 2500.0, 3500.0], 3000.0, 0.50),
    fricative('f', [350.0, 1000.0, 2300.0, 3400.0], 4500.0, 0.20),
    sonorant('m', [260.0, 1050.0, 2300.0, 3400.0], 0.35, 0.0),
    sonorant('n', [270.0, 1550.0, 2600.0, 3500.0], 0.35, 0.15),
    sonorant('l', [360.0, 1150.0, 2700.0, 3500.0], 0.55, 0.3),
];
