/// Which divisor the cross term and the covariances get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Convention {
    /// n - 1 for both (Wang et al. 2019, algorithm 1).
    #[default]
    Unbiased,
    /// n for both.
    Population,
    /// n for the cross term, n - 1 for the covariances: the `neg_hscore` of published H-score code. The one whose
    /// covariances are not centred is `HScore::Nfe`, among the losses.
    NegHscore,
}

impl Convention {
    /// What the cross term and the covariances of so many rows are divided by.
    pub(crate) fn divisors(self, rows: usize) -> (f64, f64) {
        let rows = rows as f64;
        match self {
            Self::Unbiased => (rows - 1.0, rows - 1.0),
            Self::Population => (rows, rows),
            Self::NegHscore => (rows, rows - 1.0),
        }
    }
}
