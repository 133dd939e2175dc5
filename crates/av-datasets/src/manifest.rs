//! A hash that names the clips a score rests on.

use crate::{Affect, Dataset, Modality, Source, Turn};
use blake3::Hasher;

/// Separates this hash from any other use of the same function; the number goes up with any change of
/// what is hashed.
const CONTEXT: &str = "av-datasets 2026 manifest 1";

/// Modalities that are hashed of every clip; any other one of clips that have it, so that the hashes of other corpora
/// stay.
const ALWAYS: [Modality; 2] = [Modality::Audio, Modality::Video];

impl Dataset {
    /// BLAKE3 hash in 64 hexadecimal digits of what the clips are: names, subjects, classes, folds,
    /// turns and targets, and for each modality the size of the media file in bytes or the columns and values of the table's row.
    ///
    /// Two people who see the same hash next to a score had the same clips. The hash depends neither on the
    /// folder the corpus lies in, nor on file times, nor on the order of files or rows. A media file that is
    /// no longer there counts as absent.
    ///
    /// ```
    /// # use av_datasets::Dataset;
    /// assert_eq!(Dataset::default().manifest_hash().len(), 64);
    /// ```
    pub fn manifest_hash(&self) -> String {
        let mut hasher = Hasher::new_derive_key(CONTEXT);
        put_list(&mut hasher, &self.classes);
        put_count(&mut hasher, self.clips.len());
        let mut clips: Vec<_> = self.clips.iter().collect();
        clips.sort_by_key(|clip| &clip.id);
        for clip in clips {
            put(&mut hasher, &clip.id);
            put(&mut hasher, &clip.subject);
            put_option(&mut hasher, clip.emotion.and_then(|emotion| self.classes.get(emotion)));
            put_option(&mut hasher, clip.fold.as_ref());
            // Turns and targets only where there are such, so that the hashes of other corpora stay. No source begins
            // with their words.
            if let Some(Turn { dialogue, number }) = &clip.turn {
                put(&mut hasher, "turn");
                put(&mut hasher, dialogue);
                put_count(&mut hasher, *number);
            }
            put_affect(&mut hasher, &clip.affect);
            for (modality, source) in clip.sources.iter() {
                if !ALWAYS.contains(&modality) {
                    let Some(_) = source else { continue };
                    put(&mut hasher, modality.name());
                }
                self.put_source(&mut hasher, source.as_ref());
            }
        }
        hasher.finalize().to_hex().to_string()
    }

    fn put_source(&self, hasher: &mut Hasher, source: Option<&Source>) {
        match source {
            None => put(hasher, "none"),
            Some(Source::Media(path)) => match std::fs::metadata(path) {
                Ok(metadata) => {
                    put(hasher, "media");
                    hasher.update(&metadata.len().to_le_bytes());
                }
                Err(_) => put(hasher, "absent"),
            },
            Some(Source::Row { table, row }) => {
                put(hasher, "row");
                let Some(table) = self.tables.get(*table) else { return };
                put_list(hasher, &table.columns);
                for value in table.rows.get(*row).into_iter().flatten() {
                    // All NaN mean missing, whatever their bits.
                    let value = if value.is_nan() { f32::NAN } else { *value };
                    hasher.update(&value.to_le_bytes());
                }
            }
        }
    }
}

fn put_affect(hasher: &mut Hasher, frames: &[Option<Affect>]) {
    if frames.is_empty() {
        return;
    }
    put(hasher, "affect");
    put_count(hasher, frames.len());
    for frame in frames {
        put_count(hasher, usize::from(frame.is_some()));
        if let Some(Affect { valence, arousal }) = frame {
            hasher.update(&valence.to_le_bytes());
            hasher.update(&arousal.to_le_bytes());
        }
    }
}

/// Every text goes in with its length, so that no two lists give the same bytes.
fn put(hasher: &mut Hasher, text: &str) {
    put_count(hasher, text.len());
    hasher.update(text.as_bytes());
}

fn put_count(hasher: &mut Hasher, count: usize) {
    // Lengths are below 2^64 on every machine.
    hasher.update(&(count as u64).to_le_bytes());
}

fn put_option(hasher: &mut Hasher, text: Option<&String>) {
    put_count(hasher, usize::from(text.is_some()));
    if let Some(text) = text {
        put(hasher, text);
    }
}

fn put_list(hasher: &mut Hasher, texts: &[String]) {
    put_count(hasher, texts.len());
    for text in texts {
        put(hasher, text);
    }
}

#[cfg(test)]
mod tests {
    use crate::{Affect, Clip, Dataset, Modalities, Modality, Source, Table, Turn};

    fn dataset() -> Dataset {
        let clip = |id: &str, row| Clip {
            id: id.into(),
            subject: "s".into(),
            emotion: Some(0),
            fold: None,
            turn: None,
            affect: vec![],
            sources: Modalities::from_fn(|modality| {
                (modality == Modality::Audio).then_some(Source::Row { table: 0, row })
            }),
        };
        let rows = vec![vec![1.0, f32::NAN], vec![2.0, 3.0]];
        Dataset {
            classes: vec!["happy".into(), "sad".into()],
            clips: vec![clip("a", 0), clip("b", 1)],
            tables: vec![Table {
                path: "t.csv".into(),
                columns: vec!["x".into(), "y".into()],
                rows,
                unused: vec![],
            }],
            ..Dataset::default()
        }
    }

    fn turn(dialogue: &str, number: usize) -> Turn {
        Turn { dialogue: dialogue.into(), number }
    }

    #[test]
    fn the_hash_changes_with_everything_a_score_rests_on() {
        let changes: [fn(&mut Dataset); 15] = [
            |d| d.classes[0] = "glad".into(),
            |d| d.clips[0].id = "aa".into(),
            |d| d.clips[0].subject = "t".into(),
            |d| d.clips[0].emotion = Some(1),
            |d| d.clips[0].emotion = None,
            |d| d.clips[0].fold = Some("0".into()),
            |d| d.clips[0].turn = Some(turn("x", 0)),
            |d| d.clips[0].turn = Some(turn("x", 1)),
            |d| d.clips[0].turn = Some(turn("y", 0)),
            |d| d.clips[0].affect = vec![None],
            |d| d.clips[0].affect = vec![None, Some(Affect { valence: 0.5, arousal: 0.0 })],
            |d| d.clips[0].affect = vec![Some(Affect { valence: 0.5, arousal: 0.0 }), None],
            |d| d.clips[0].affect = vec![Some(Affect { valence: 0.0, arousal: 0.5 }), None],
            |d| d.tables[0].rows[0][0] = 1.5,
            |d| d.clips[1].sources[Modality::Audio] = None,
        ];
        let mut hashes = std::collections::BTreeSet::from([dataset().manifest_hash()]);
        for (i, change) in changes.into_iter().enumerate() {
            let mut changed = dataset();
            change(&mut changed);
            assert!(hashes.insert(changed.manifest_hash()), "change {i} was not seen");
        }
    }

    #[test]
    fn the_hash_does_not_change_with_the_order_of_rows_or_clips_or_the_place_of_the_table() {
        let mut other = dataset();
        other.tables[0].rows.reverse();
        other.tables[0].path = "elsewhere.csv".into();
        other.clips[0].sources[Modality::Audio] = Some(Source::Row { table: 0, row: 1 });
        other.clips[1].sources[Modality::Audio] = Some(Source::Row { table: 0, row: 0 });
        other.clips.reverse();
        assert_eq!(other.manifest_hash(), dataset().manifest_hash());
    }
}
