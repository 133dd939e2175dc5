//! The most probable path of a pitch through its candidates.

/// Fastest change of pitch, in octaves a second.
const MAX_OCTAVES_A_SECOND: f64 = 35.92;

/// Steps of pitch a semitone.
pub(super) const STEPS_A_SEMITONE: usize = 10;

/// Probability that voicing changes from a frame to the next.
const SWITCH: f64 = 0.01;

/// What may be the pitch of a frame.
pub(super) struct Candidates {
    /// Steps of pitch, each once, and their probabilities.
    pub(super) steps: Vec<(usize, f64)>,
    /// Probability that the frame is voiced: the sum of the above.
    pub(super) voiced: f64,
}

/// The logarithm of a probability, finite at 0 so that every path has a value.
fn log(probability: f64) -> f64 {
    (probability + f64::MIN_POSITIVE).ln()
}

/// The step of every frame on the most probable path, `None` where it is unvoiced (Viterbi).
///
/// There is a state for every step, voiced and unvoiced; all steps of an unvoiced frame are alike, so that the
/// pitch is remembered through short pauses.
pub(super) fn path(frames: &[Candidates], steps: usize, hop_s: f64) -> Vec<Option<usize>> {
    let moves = Moves::new(steps, hop_s);
    let mut values = vec![log(0.5 / steps as f64); 2 * steps];
    let mut next = vec![0.0; 2 * steps];
    let mut origins: Vec<u32> = Vec::with_capacity(frames.len() * 2 * steps);
    for (t, frame) in frames.iter().enumerate() {
        if t > 0 {
            for (to, next) in next.iter_mut().enumerate() {
                let (from, value) = moves.best(&values, to);
                *next = value;
                origins.push(from as u32);
            }
            std::mem::swap(&mut values, &mut next);
        }
        observe(frame, &mut values);
    }
    let Some(mut state) = (0..2 * steps).reduce(|a, b| if values[b] > values[a] { b } else { a })
    else {
        return Vec::new();
    };
    let mut path = vec![None; frames.len()];
    for (t, place) in path.iter_mut().enumerate().rev() {
        *place = (state < steps).then_some(state);
        if t > 0 {
            state = origins[(t - 1) * 2 * steps + state] as usize;
        }
    }
    path
}

/// Adds what a frame says of every state.
fn observe(frame: &Candidates, values: &mut [f64]) {
    let steps = values.len() / 2;
    let impossible = log(0.0);
    let (voiced, unvoiced) = values.split_at_mut(steps);
    let mut seen = frame.steps.iter().map(|&(step, probability)| (step, log(probability)));
    // The others are impossible: all are lowered, and the candidates brought back.
    let kept: Vec<(usize, f64)> = seen.by_ref().map(|(s, log)| (s, voiced[s] + log)).collect();
    voiced.iter_mut().for_each(|value| *value += impossible);
    for (step, value) in kept {
        voiced[step] = value;
    }
    let each = log((1.0 - frame.voiced) / steps as f64);
    unvoiced.iter_mut().for_each(|value| *value += each);
}

/// How probable it is to come from one step to another.
struct Moves {
    /// Logarithms of the triangle, by distance.
    triangle: Vec<f64>,
    /// Logarithm of the sum of the triangle around each step, cut off at the ends.
    sums: Vec<f64>,
    stay: f64,
    switch: f64,
}

impl Moves {
    fn new(steps: usize, hop_s: f64) -> Self {
        let semitones = (12.0 * MAX_OCTAVES_A_SECOND * hop_s).round_ties_even() as usize;
        let reach = (semitones * STEPS_A_SEMITONE / 2).min(steps - 1);
        let full = (semitones * STEPS_A_SEMITONE / 2 + 1) as f64;
        let weight = |distance: usize| 1.0 - distance as f64 / full;
        let sum = |step: usize| -> f64 {
            let around = step.saturating_sub(reach)..=(step + reach).min(steps - 1);
            around.map(|other| weight(other.abs_diff(step))).sum()
        };
        Self {
            triangle: (0..=reach).map(|distance| weight(distance).ln()).collect(),
            sums: (0..steps).map(|step| sum(step).ln()).collect(),
            stay: (1.0 - SWITCH).ln(),
            switch: SWITCH.ln(),
        }
    }

    /// The state from which a state is reached best, and the value of the path so far.
    fn best(&self, values: &[f64], to: usize) -> (usize, f64) {
        let steps = self.sums.len();
        let reach = self.triangle.len() - 1;
        let step = to % steps;
        let around = step.saturating_sub(reach)..=(step + reach).min(steps - 1);
        let mut best = (to, f64::NEG_INFINITY);
        for voicing in [0, steps] {
            let same = (to < steps) == (voicing == 0);
            let change = if same { self.stay } else { self.switch };
            for from in around.clone() {
                let way = self.triangle[from.abs_diff(step)] - self.sums[from] + change;
                let value = values[voicing + from] + way;
                if value > best.1 {
                    best = (voicing + from, value);
                }
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(steps: &[(usize, f64)]) -> Candidates {
        let voiced = steps.iter().map(|(_, probability)| probability).sum();
        Candidates { steps: steps.to_vec(), voiced }
    }

    #[test]
    fn a_lone_octave_error_is_passed_over() {
        let mut frames: Vec<Candidates> = (0..9).map(|_| frame(&[(50, 0.9)])).collect();
        frames[4] = frame(&[(50, 0.3), (170, 0.6)]);
        assert_eq!(path(&frames, 300, 0.01), [Some(50); 9]);
    }

    #[test]
    fn frames_without_candidates_are_unvoiced() {
        let frames: Vec<Candidates> = (0..30)
            .map(|t| if (10..20).contains(&t) { frame(&[]) } else { frame(&[(7, 0.95)]) })
            .collect();
        let found = path(&frames, 40, 0.032);
        assert!(found.iter().enumerate().all(|(t, f)| f.is_none() == (10..20).contains(&t)));
        assert!(path(&[], 40, 0.032).is_empty());
        assert_eq!(path(&[frame(&[])], 1, 0.032), [None]);
    }

    #[test]
    fn the_pitch_moves_as_far_as_whole_semitones_allow() {
        // 12 * 35.92 * 0.032 = 13.8 semitones, taken as 14: half of them to each side, in tenths.
        assert_eq!(Moves::new(354, 0.032).triangle.len(), 71);
    }

    #[test]
    fn the_best_origin_of_a_state_is_the_best_of_all() {
        let steps = 9;
        let moves = Moves::new(steps, 0.002_32);
        let reach = moves.triangle.len() - 1;
        assert!(reach < steps - 1, "{reach}: no step is out of reach");
        // The moves from each step add up to 1: at the ends there are fewer, which are more probable.
        let way = |from: usize, to: usize| {
            let distance = from.abs_diff(to);
            let weight = |distance: usize| 1.0 - distance as f64 / (reach + 1) as f64;
            let near = (0..steps).filter(|other| other.abs_diff(from) <= reach);
            let sum: f64 = near.map(|other| weight(other.abs_diff(from))).sum();
            if distance > reach { f64::NEG_INFINITY } else { (weight(distance) / sum).ln() }
        };
        let mut state = 5_u32;
        for _ in 0..50 {
            let values: Vec<f64> = (0..2 * steps)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    f64::from(state >> 8) / f64::from(1 << 24)
                })
                .collect();
            for to in 0..2 * steps {
                let all = (0..2 * steps).map(|from| {
                    let change = if (from < steps) == (to < steps) { 0.99_f64 } else { 0.01 };
                    values[from] + way(from % steps, to % steps) + change.ln()
                });
                let truth = all.fold(f64::NEG_INFINITY, f64::max);
                let (from, found) = moves.best(&values, to);
                assert!((found - truth).abs() < 1e-12, "{to} from {from}: {found}, not {truth}");
            }
        }
    }

    #[test]
    fn the_path_equals_that_of_all_paths() {
        // Three steps, four frames, moves of one semitone: every path is tried.
        let frames = [
            frame(&[(0, 0.4), (2, 0.3)]),
            frame(&[(1, 0.5)]),
            frame(&[(0, 0.2), (1, 0.25), (2, 0.4)]),
            frame(&[(2, 0.1)]),
        ];
        let moves = Moves::new(3, 0.002_32);
        assert_eq!(moves.triangle.len(), 3);
        let way = |from: usize, to: usize| {
            let change = if (from < 3) == (to < 3) { 0.99_f64.ln() } else { 0.01_f64.ln() };
            moves.triangle[(from % 3).abs_diff(to % 3)] - moves.sums[from % 3] + change
        };
        let seen = |frame: &Candidates, state: usize| match state {
            0..3 => log(frame.steps.iter().find(|s| s.0 == state).map_or(0.0, |s| s.1)),
            _ => log((1.0 - frame.voiced) / 3.0),
        };
        let value = |states: &[usize; 4]| {
            let seen: f64 = frames.iter().zip(states).map(|(f, &s)| seen(f, s)).sum();
            seen + states.windows(2).map(|pair| way(pair[0], pair[1])).sum::<f64>()
        };
        let all = (0..6_usize.pow(4)).map(|i| [i % 6, i / 6 % 6, i / 36 % 6, i / 216]);
        let best = all.max_by(|a, b| value(a).total_cmp(&value(b))).unwrap();
        let truth: Vec<_> = best.iter().map(|&s| (s < 3).then_some(s)).collect();
        assert_eq!(path(&frames, 3, 0.002_32), truth);
    }
}
