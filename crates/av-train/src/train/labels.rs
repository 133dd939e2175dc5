//! How many labels are seen.

use crate::data::{Fit, Subset};
use av_ops::Streams;
use std::collections::BTreeSet;

/// Keeps the labels of a seeded fraction of the clips of each class, at least one of each.
pub(super) fn within_budget<'a>(
    subset: &Subset<'a, Fit>,
    fraction: f64,
    streams: &Streams,
) -> Subset<'a, Fit> {
    let mut subset = subset.clone();
    if fraction >= 1.0 {
        return subset;
    }
    let labels: Vec<Option<usize>> = subset.examples().iter().map(|it| it.label).collect();
    let classes: BTreeSet<usize> = labels.iter().copied().flatten().collect();
    let mut rng = streams.rng("labels");
    let mut kept = BTreeSet::new();
    for class in classes {
        let mut members: Vec<usize> =
            (0..labels.len()).filter(|&index| labels[index] == Some(class)).collect();
        rng.shuffle(&mut members);
        let count = ((members.len() as f64 * fraction).round() as usize).max(1);
        kept.extend(members.into_iter().take(count));
    }
    subset.hide_labels(|index| kept.contains(&index));
    subset
}
