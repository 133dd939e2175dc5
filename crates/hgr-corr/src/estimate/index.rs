//! Numbers as sorted keys, and the place of a number among them.

/// Steps of the table for each edge.
const STEPS: usize = 16;

/// Sorted keys with a table over equal steps of their range, so that the place of a number needs no search among all of
/// them.
pub(super) struct Index<'a> {
    edges: &'a [u64],
    low: f64,
    steps_per_unit: f64,
    /// How many edges lie in earlier steps, for each step and their end.
    earlier: Vec<usize>,
}

impl<'a> Index<'a> {
    pub fn new(edges: &'a [u64]) -> Self {
        let steps = STEPS * edges.len().max(1);
        let ends = edges.first().zip(edges.last()).map(|(low, high)| (number(*low), number(*high)));
        let (low, high) = ends.unwrap_or_default();
        let steps_per_unit = steps as f64 / (high - low);
        let mut index = Self { edges, low, steps_per_unit, earlier: vec![0; steps + 1] };
        for edge in edges {
            let step = index.step(number(*edge));
            index.earlier[step + 1] += 1;
        }
        (1..=steps).for_each(|step| index.earlier[step] += index.earlier[step - 1]);
        index
    }

    /// The step of a value, which grows with it; where the range is not finite, all are in one.
    fn step(&self, value: f64) -> usize {
        let step = (value - self.low) * self.steps_per_unit;
        (step as usize).min(self.earlier.len() - 2)
    }

    /// How many edges are not above a value.
    pub fn not_above(&self, value: f64) -> usize {
        let (step, key) = (self.step(value), key(value));
        let [from, to] = [self.earlier[step], self.earlier[step + 1]];
        from + self.edges[from..to].partition_point(|edge| *edge <= key)
    }
}

/// A whole number in the order of the numbers; both zeros are one.
pub(super) fn key(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// The number of a key.
pub(super) fn number(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key & !(1 << 63) } else { !key })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_that_of_a_search_among_all_edges() {
        let (far, next) = (f64::INFINITY, f64::MAX);
        let rows: [&[f64]; 6] = [
            &[-3.0, -2.9, 0.0, 0.5, 0.500001, 1e3],
            &[7.0],
            &[1e-300, 1.0, 1e300],
            &[-far, -1.0, 2.0],
            &[-next, 0.0, next],
            &[0.0, 1.0, far],
        ];
        for numbers in rows {
            let mut edges: Vec<u64> = numbers.iter().map(|value| key(*value)).collect();
            // Where a heavy value ends; after infinity that is no number.
            edges.extend(numbers.iter().map(|value| key(*value) + 1));
            edges.sort_unstable();
            let index = Index::new(&edges);
            let between = numbers.iter().flat_map(|value| [0.1, 0.9, 1.1].map(|part| part * value));
            for value in numbers.iter().copied().chain(between).chain([-0.0, far, -far]) {
                let place = edges.iter().filter(|edge| **edge <= key(value)).count();
                assert_eq!(index.not_above(value), place, "{value} in {numbers:?}");
            }
        }
    }

    #[test]
    fn keys_have_the_order_of_the_numbers() {
        let numbers = [f64::NEG_INFINITY, -2.5, -1e-300, 0.0, 1e-300, 3.0, f64::INFINITY];
        assert!(numbers.windows(2).all(|pair| key(pair[0]) < key(pair[1])));
        assert!(numbers.iter().all(|value| number(key(*value)) == *value));
        assert_eq!(key(-0.0), key(0.0));
    }
}
