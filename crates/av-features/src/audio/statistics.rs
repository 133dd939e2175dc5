//! Statistics of a contour over a clip.

/// A value of each of some frames, with its time.
pub(crate) struct Contour {
    /// Name of the contour, with its unit where it has one.
    pub(crate) name: String,
    /// Time in seconds and value.
    pub(crate) points: Vec<(f64, f64)>,
}

/// A number that describes a contour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Statistic {
    Mean,
    /// Standard deviation, divided by `n`.
    Sd,
    /// A percentile, interpolated between neighbours.
    Percentile(u8),
    /// 90th minus 10th percentile.
    Range,
    /// Slope of the regression line, a second.
    Slope,
}

impl Statistic {
    /// The end of a column's name.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Mean => "mean".into(),
            Self::Sd => "sd".into(),
            Self::Percentile(percent) => format!("p{percent}"),
            Self::Range => "range".into(),
            Self::Slope => "slope".into(),
        }
    }

    /// The statistic of a contour; 0 of an empty one.
    pub(crate) fn of(self, points: &[(f64, f64)]) -> f64 {
        if points.is_empty() {
            return 0.0;
        }
        let mean_of = |f: &dyn Fn(&(f64, f64)) -> f64| {
            points.iter().map(f).sum::<f64>() / points.len() as f64
        };
        let mean = mean_of(&|p| p.1);
        match self {
            Self::Mean => mean,
            Self::Sd => mean_of(&|p| (p.1 - mean).powi(2)).sqrt(),
            Self::Percentile(percent) => percentile(points, f64::from(percent)),
            Self::Range => percentile(points, 90.0) - percentile(points, 10.0),
            Self::Slope => {
                let time = mean_of(&|p| p.0);
                let spread = mean_of(&|p| (p.0 - time).powi(2));
                let joint = mean_of(&|p| (p.0 - time) * (p.1 - mean));
                if spread > 0.0 { joint / spread } else { 0.0 }
            }
        }
    }
}

fn percentile(points: &[(f64, f64)], percent: f64) -> f64 {
    let mut values: Vec<f64> = points.iter().map(|point| point.1).collect();
    values.sort_unstable_by(f64::total_cmp);
    let place = percent / 100.0 * (values.len() - 1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    values[below] + (values[above] - values[below]) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_of_a_known_contour() {
        let points: Vec<_> = [3.0, 1.0, 4.0, 1.0, 5.0]
            .iter()
            .enumerate()
            .map(|(i, &value)| (i as f64 * 0.5, value))
            .collect();
        let close = |statistic: Statistic, truth: f64| {
            let value = statistic.of(&points);
            assert!((value - truth).abs() < 1e-12, "{statistic:?}: {value}");
        };
        close(Statistic::Mean, 2.8);
        close(Statistic::Sd, 2.56_f64.sqrt());
        close(Statistic::Percentile(50), 3.0);
        close(Statistic::Percentile(90), 4.6);
        close(Statistic::Range, 3.6);
        // numpy.polyfit([0, .5, 1, 1.5, 2], [3, 1, 4, 1, 5], 1) -> slope 0.8
        close(Statistic::Slope, 0.8);
    }

    #[test]
    fn an_empty_and_a_single_point_have_finite_statistics() {
        let all = [
            Statistic::Mean,
            Statistic::Sd,
            Statistic::Percentile(10),
            Statistic::Range,
            Statistic::Slope,
        ];
        for statistic in all {
            assert_eq!(statistic.of(&[]), 0.0);
            let one = statistic.of(&[(1.0, 7.0)]);
            let level = matches!(statistic, Statistic::Mean | Statistic::Percentile(_));
            assert_eq!(one, if level { 7.0 } else { 0.0 });
        }
    }
}
