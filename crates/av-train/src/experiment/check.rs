//! What can be known to be wrong with an experiment before any file is opened.

use super::{Experiment, System};
use crate::{Error, Result};
use std::collections::BTreeSet;

impl Experiment {
    /// # Errors
    ///
    /// A value out of range, settings that contradict each other; each names the key.
    pub(super) fn check(&self) -> Result<()> {
        for (key, count) in
            [("seeds (number of)", self.seeds.len()), ("systems (number of)", self.systems.len())]
        {
            Error::check(key, count, count > 0, "at least 1")?;
        }
        let seeds: BTreeSet<u64> = self.seeds.iter().copied().collect();
        let distinct = seeds.len() == self.seeds.len();
        Error::check("seeds", format!("{:?}", self.seeds), distinct, "a list without repetition")?;
        let holds = (0.0..1.0).contains(&self.bad_clips);
        Error::check("bad_clips", self.bad_clips, holds, "in [0, 1)")?;
        self.training.check()?;
        self.check_inputs()?;
        let mut names = BTreeSet::new();
        for system in &self.systems {
            system.check()?;
            let new = names.insert(system.name.as_str());
            Error::check("systems.name", &system.name, new, "the name of one system")?;
            self.check_system(system)?;
        }
        for pair in &self.compare {
            for name in [&pair.a, &pair.b] {
                let known = names.contains(name.as_str());
                Error::check("compare", name, known, "the name of a system of the experiment")?;
            }
        }
        Ok(())
    }

    fn check_inputs(&self) -> Result<()> {
        for (modality, input) in self.inputs.iter() {
            let Some(input) = input else { continue };
            let holds = input.modality().is_none_or(|of| of == modality);
            let key = format!("inputs.{modality}.kind");
            Error::check(&key, input.describe(), holds, "a kind of features of this modality")?;
        }
        let extractors = self.inputs.iter().filter_map(|(_, input)| input.as_ref()?.extractor());
        let patches = extractors.into_iter().any(|extractor| extractor.is_spectrogram());
        let holds = self.augmentation.is_none() || patches;
        Error::check(
            "audio.kind",
            "without patches to mask",
            holds,
            "log-mel where there is an [augmentation]",
        )
    }

    /// What a system reads must be there, and of the same moments.
    fn check_system(&self, system: &System) -> Result<()> {
        for &modality in &system.model.modalities {
            if self.inputs[modality].is_none() {
                return Err(Error::Setting {
                    key: format!("inputs.{modality}"),
                    actual: "left out".into(),
                    expected: "given, as a system reads it",
                });
            }
        }
        let read = || {
            let inputs = self.inputs.iter().filter(|(modality, _)| system.uses(*modality));
            inputs.filter_map(|(modality, input)| Some((modality, input.as_ref()?.extractor()?)))
        };
        for (modality, _) in read().filter(|(_, it)| it.per_segment() && it.trims()) {
            let another = read().any(|(other, it)| other != modality && it.per_segment());
            Error::check(
                &format!("{modality}.trim"),
                "given",
                !another,
                "left out with face crops: sound and picture of a segment would be of different moments",
            )?;
        }
        Ok(())
    }
}
