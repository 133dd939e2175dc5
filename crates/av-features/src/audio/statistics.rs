//! Statistics of a contour over a clip.

/// Points farther apart than this, in seconds, do not belong to one rise or fall: a frame lies between.
const GAP_S: f64 = 0.015;

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
    /// Standard deviation over the magnitude of the mean; 0 where the mean is.
    Variation,
    /// 80th minus 20th percentile.
    MiddleRange,
    /// Mean slope of the rises, each from its lowest to its highest point, a second; 0 without one.
    RiseMean,
    /// Standard deviation of the slopes of the rises.
    RiseSd,
    /// Mean slope of the falls, which is negative.
    FallMean,
    /// Standard deviation of the slopes of the falls.
    FallSd,
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
            Self::Variation => "variation".into(),
            Self::MiddleRange => "range_20_80".into(),
            Self::RiseMean => "rise_mean".into(),
            Self::RiseSd => "rise_sd".into(),
            Self::FallMean => "fall_mean".into(),
            Self::FallSd => "fall_sd".into(),
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
            Self::Variation if mean == 0.0 => 0.0,
            Self::Variation => Self::Sd.of(points) / mean.abs(),
            Self::MiddleRange => percentile(points, 80.0) - percentile(points, 20.0),
            Self::RiseMean => Self::Mean.of(&slopes(points, 1.0)),
            Self::RiseSd => Self::Sd.of(&slopes(points, 1.0)),
            Self::FallMean => Self::Mean.of(&slopes(points, -1.0)),
            Self::FallSd => Self::Sd.of(&slopes(points, -1.0)),
        }
    }
}

/// Start and slope of each part that only rises (`sign` 1) or only falls (`sign` -1).
fn slopes(points: &[(f64, f64)], sign: f64) -> Vec<(f64, f64)> {
    let goes_on = |a: &(f64, f64), b: &(f64, f64)| b.0 - a.0 < GAP_S && (b.1 - a.1) * sign > 0.0;
    let parts = points.chunk_by(goes_on).filter(|part| part.len() > 1);
    parts
        .filter_map(|part| {
            let (first, last) = (part.first()?, part.last()?);
            Some((first.0, (last.1 - first.1) / (last.0 - first.0)))
        })
        .collect()
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
    fn rises_and_falls_of_a_known_contour_end_at_gaps() {
        let at = |t: usize, value: f64| (t as f64 * 0.01, value);
        // Up by 2 in two frames, down by 3 in one, level, up by 1; a gap; up by 4 in one.
        let values = [1.0, 2.0, 3.0, 0.0, 0.0, 1.0];
        let mut points: Vec<_> = values.iter().enumerate().map(|(t, &v)| at(t, v)).collect();
        points.extend([at(8, 2.0), at(9, 6.0)]);
        let close = |statistic: Statistic, truth: f64| {
            let value = statistic.of(&points);
            assert!((value - truth).abs() < 1e-9, "{statistic:?}: {value}");
        };
        close(Statistic::RiseMean, 200.0);
        close(Statistic::RiseSd, 20_000.0_f64.sqrt());
        close(Statistic::FallMean, -300.0);
        close(Statistic::FallSd, 0.0);
        // numpy: x = [1, 2, 3, 0, 0, 1, 2, 6]; x.std() / x.mean(), percentiles 80 and 20.
        close(Statistic::Variation, 1.832_859_787_326_897_5 / 1.875);
        close(Statistic::MiddleRange, 2.6 - 0.4);
    }

    #[test]
    fn an_empty_and_a_single_point_have_finite_statistics() {
        let all = [
            Statistic::Mean,
            Statistic::Sd,
            Statistic::Percentile(10),
            Statistic::Range,
            Statistic::Slope,
            Statistic::Variation,
            Statistic::MiddleRange,
            Statistic::RiseMean,
            Statistic::FallSd,
        ];
        for statistic in all {
            assert_eq!(statistic.of(&[]), 0.0);
            let one = statistic.of(&[(1.0, 7.0)]);
            let level = matches!(statistic, Statistic::Mean | Statistic::Percentile(_));
            assert_eq!(one, if level { 7.0 } else { 0.0 });
        }
    }
}
