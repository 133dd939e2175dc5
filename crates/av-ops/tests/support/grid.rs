//! Cases that cover pairs of settings, and inputs that lie in memory in several ways.

use std::fmt::Debug;

use av_ops::channels_last;
use candle_core::Tensor;

use super::{check_case, normal};

/// A level of each setting in every way there is.
pub fn every<const N: usize>(levels: [usize; N]) -> impl Iterator<Item = [usize; N]> {
    (0..levels.iter().product()).map(move |mut index| {
        levels.map(|count| {
            let level = index % count;
            index /= count;
            level
        })
    })
}

/// Cases in which any two settings meet at any two of their levels, as far as an allowed case has them so. These are far
/// fewer than all cases, and few faults need three settings to show.
///
/// `case` makes a case from a level of each setting, and none from levels that do not go together.
pub fn pairwise<const N: usize, C>(
    levels: [usize; N],
    case: impl Fn([usize; N]) -> Option<C>,
) -> Vec<C> {
    let widest = levels.iter().copied().max().unwrap_or(0);
    let pairs = |at: &[usize; N]| {
        let at = *at;
        let number = move |a: usize, b: usize| ((a * N + b) * widest + at[a]) * widest + at[b];
        (0..N).flat_map(move |b| (0..b).map(move |a| number(a, b)))
    };
    let all: Vec<[usize; N]> = every(levels).filter(|&at| case(at).is_some()).collect();
    let mut missing = vec![false; N * N * widest * widest];
    for pair in all.iter().flat_map(pairs) {
        missing[pair] = true;
    }
    let mut cases = Vec::new();
    while missing.contains(&true) {
        let news = |at: &&[usize; N]| pairs(at).filter(|&pair| missing[pair]).count();
        let best = *all.iter().max_by_key(news).unwrap();
        for pair in pairs(&best) {
            missing[pair] = false;
        }
        cases.extend(case(best));
    }
    cases
}

/// How the inputs of an operator lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// One element after the other.
    Whole,
    /// With first and last dimension exchanged; so is the result, and with it the gradient that comes back.
    Turned,
    /// Inside of a tensor with one element more on both sides of the last dimension.
    Narrowed,
    /// With the channels of a place side by side, where there are places.
    Last,
}

pub const VIEWS: [View; 4] = [View::Whole, View::Turned, View::Narrowed, View::Last];

impl View {
    /// A tensor that [`look`](Self::look) shows as `tensor`.
    pub fn store(self, tensor: &Tensor) -> Tensor {
        let mut shape = tensor.dims().to_vec();
        let last = shape.len() - 1;
        match self {
            View::Whole | View::Last => tensor.clone(),
            View::Turned => tensor.transpose(0, last).unwrap().contiguous().unwrap(),
            View::Narrowed => {
                shape[last] = 1;
                let margin = normal("margin", &shape).to_dtype(tensor.dtype()).unwrap();
                Tensor::cat(&[&margin, tensor, &margin], last).unwrap()
            }
        }
    }

    /// What an operator sees of a stored tensor.
    pub fn look(self, stored: &Tensor) -> Tensor {
        let last = stored.rank() - 1;
        match self {
            View::Whole => stored.clone(),
            View::Turned => stored.transpose(0, last).unwrap(),
            View::Narrowed => stored.narrow(last, 1, stored.dims()[last] - 2).unwrap(),
            View::Last if stored.rank() > 2 => channels_last(stored).unwrap(),
            View::Last => stored.clone(),
        }
    }
}

/// Panics with the case unless backward and central differences agree for every input, where all inputs lie in memory as
/// `view` says.
#[track_caller]
pub fn check_view(
    case: &dyn Debug,
    view: View,
    inputs: &[Tensor],
    f: &dyn Fn(&[Tensor]) -> Tensor,
) {
    let stored: Vec<Tensor> = inputs.iter().map(|input| view.store(input)).collect();
    check_case(case, &stored, &|stored| {
        let seen: Vec<Tensor> = stored.iter().map(|stored| view.look(stored)).collect();
        let y = f(&seen);
        if view == View::Turned && y.rank() > 0 { view.look(&y) } else { y }
    });
}
