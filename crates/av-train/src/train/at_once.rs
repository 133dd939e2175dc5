//! A classifier of columns, fitted at once.

use super::{Fitted, Setup, labels, no_labels};
use crate::Result;
use crate::data::{
    Batch, Fit, Normaliser, Segment, Subset, Validation, even_segments, fit_normaliser,
};
use crate::model::classifier::{Classifier, LabelledRows};
use crate::model::{DEVICE, DTYPE, Model, widths};
use av_datasets::Modality;
use av_ops::{Parameters, Streams};
use candle_core::DType;

/// Segments that are gathered at once; bounds memory.
const BATCH: usize = 256;

/// Fits a classifier of columns to all clips with labels, those of validation among them: no training is to be stopped early.
pub(super) fn fit(
    setup: Setup,
    classifier: &dyn Classifier,
    train: &Subset<Fit>,
    validation: Option<&Subset<Validation>>,
) -> Result<Fitted> {
    let Setup { system, model, shapes, classes, training, .. } = setup;
    let streams = Streams::new(setup.seed);
    let all = validation.map_or_else(|| train.clone(), |clips| train.with(clips));
    let normaliser = fit_normaliser(&all);
    let labelled = labels::within_budget(&all, training.labelled, &streams).labelled();
    if labelled.examples().is_empty() {
        return Err(no_labels(setup.name));
    }
    let parameters = Parameters::new(streams, DTYPE, &DEVICE);
    let fitted = Model::new(system, model, shapes, classes, parameters)?;
    let labels = labelled.examples().iter().filter_map(|it| it.label).collect();
    let widths = widths(&model.modalities, shapes);
    let values = clip_means(&labelled, &widths, &normaliser, training.decision_segments)?;
    classifier.fit(&LabelledRows { values, labels, classes })?.put(&fitted.parameters)?;
    Ok(Fitted { model: fitted, normaliser, curve: vec![], best_epoch: 0 })
}

/// Means over the segments that decide a clip, `(N, D)` row by row.
fn clip_means(
    subset: &Subset<Fit>,
    widths: &[(Modality, usize)],
    normaliser: &Normaliser,
    segments: usize,
) -> Result<Vec<f64>> {
    let modalities: Vec<Modality> = widths.iter().map(|(modality, _)| *modality).collect();
    let each = subset.examples().iter().enumerate();
    let each: Vec<Vec<Segment>> =
        each.map(|(index, it)| even_segments(index, it, &modalities, segments)).collect();
    let counts: Vec<Vec<f64>> = subset
        .examples()
        .iter()
        .zip(&each)
        .map(|(example, segments)| {
            let counts = widths.iter().map(|&(modality, width)| {
                let there = segments.iter().filter(|it| it.shows(example, &modalities, modality));
                std::iter::repeat_n(there.count().max(1) as f64, width)
            });
            counts.flatten().collect()
        })
        .collect();
    let width: usize = widths.iter().map(|(_, width)| width).sum();
    let mut means = vec![0.0; subset.examples().len() * width];
    for chunk in each.concat().chunks(BATCH) {
        let batch = Batch::gather(subset, chunk, normaliser, &modalities, &DEVICE)?;
        let rows = batch.columns(widths, DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
        for (row, segment) in rows.chunks(width).zip(chunk) {
            let sum = &mut means[segment.example * width..][..width];
            let counts = &counts[segment.example];
            let addends = row.iter().zip(counts).map(|(value, count)| value / count);
            sum.iter_mut().zip(addends).for_each(|(sum, addend)| *sum += addend);
        }
    }
    Ok(means)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Example, Scaling};
    use av_datasets::Modalities;
    use av_features::{Features, Values};

    fn features(rows: &[[f32; 2]]) -> Features {
        Features {
            shape: vec![rows.len(), 2],
            values: Values::F32(rows.as_flattened().to_vec()),
            times_s: vec![],
            names: vec![],
            faces: None,
            warnings: vec![],
        }
    }

    #[test]
    fn a_clip_is_the_mean_of_its_segments_and_0_where_it_lacks_a_modality() {
        let sounds = [features(&[[1.0, 0.5]]), features(&[[1.0, 2.0], [2.0, -1.0], [4.5, 0.5]])];
        let picture = features(&[[-3.0, 3.0]]);
        let example = |audio, video| Example {
            id: "clip",
            subject: "somebody",
            label: Some(0),
            features: Modalities::from_fn(|it| if it == Modality::Audio { audio } else { video }),
        };
        let clips = [example(Some(&sounds[0]), Some(&picture)), example(Some(&sounds[1]), None)];
        let scaling = Scaling::Standardise { mean: vec![0.0; 2], inverse_sd: vec![1.0; 2] };
        let normaliser = Modalities::from_fn(|_| Some(scaling.clone()));
        let widths = [(Modality::Audio, 2), (Modality::Video, 2)];
        let means = clip_means(&Subset::of(clips.to_vec()), &widths, &normaliser, usize::MAX);
        assert_eq!(means.unwrap(), [1.0, 0.5, -3.0, 3.0, 2.5, 0.5, 0.0, 0.0]);
    }
}
