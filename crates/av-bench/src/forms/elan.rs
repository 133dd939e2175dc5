//! An annotation of ELAN: its format EAF 3.0.

use super::Line;
use crate::markup::escape;
use std::path::{Path, absolute};

/// Of no file: the same clip gives the same text at any time. ELAN puts its own when it saves.
const DATE: &str = "1970-01-01T00:00:00Z";

/// A tier of annotations, one for each stretch, and the place of the media file.
pub fn text(line: &Line) -> String {
    let (mut slots, mut annotations) = (String::new(), String::new());
    for (index, it) in line.intervals.iter().enumerate() {
        let (id, [from, to]) = (index + 1, [2 * index + 1, 2 * index + 2]);
        for (slot, ms) in [(from, it.start_ms), (to, it.end_ms)] {
            slots += &format!(r#"    <TIME_SLOT TIME_SLOT_ID="ts{slot}" TIME_VALUE="{ms}"/>"#);
            slots.push('\n');
        }
        let emotion = escape(it.emotion);
        annotations += &format!(
            r#"    <ANNOTATION>
      <ALIGNABLE_ANNOTATION ANNOTATION_ID="a{id}" TIME_SLOT_REF1="ts{from}" TIME_SLOT_REF2="ts{to}">
        <ANNOTATION_VALUE>{emotion}</ANNOTATION_VALUE>
      </ALIGNABLE_ANNOTATION>
    </ANNOTATION>
"#
        );
    }
    let (last, file) = (line.intervals.len(), Path::new(line.file));
    let (url, kind) = (escape(&url(file)), kind(file));
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="av-bench" DATE="{DATE}" FORMAT="3.0" VERSION="3.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">
  <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">
    <MEDIA_DESCRIPTOR MEDIA_URL="{url}" MIME_TYPE="{kind}"/>
    <PROPERTY NAME="lastUsedAnnotationId">{last}</PROPERTY>
  </HEADER>
  <TIME_ORDER>
{slots}  </TIME_ORDER>
  <TIER LINGUISTIC_TYPE_REF="emotion" TIER_ID="emotion">
{annotations}  </TIER>
  <LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="emotion" TIME_ALIGNABLE="true"/>
</ANNOTATION_DOCUMENT>
"#
    )
}

/// As ELAN writes it: the whole path, with its spaces and letters as they are.
fn url(file: &Path) -> String {
    let path = absolute(file).unwrap_or_else(|_| file.into()).to_string_lossy().into_owned();
    let path = path.replace(std::path::MAIN_SEPARATOR, "/");
    let root = if path.starts_with('/') { "" } else { "/" };
    format!("file://{root}{path}")
}

/// The MIME type by which ELAN chooses a player.
fn kind(file: &Path) -> &'static str {
    let extension = file.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    match extension.as_str() {
        "wav" => "audio/x-wav",
        "mp3" => "audio/mpeg",
        "mp4" | "m4a" => "video/mp4",
        "mpg" | "mpeg" => "video/mpeg",
        "mov" => "video/quicktime",
        _ => "unknown",
    }
}

#[cfg(all(test, unix))]
mod tests {
    use crate::forms::{Form, testing::*};

    fn head(url: &str, kind: &str, last: usize) -> String {
        [
            r#"<?xml version="1.0" encoding="UTF-8"?>"#,
            r#"<ANNOTATION_DOCUMENT AUTHOR="av-bench" DATE="1970-01-01T00:00:00Z" FORMAT="3.0" VERSION="3.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">"#,
            r#"  <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">"#,
            &format!(r#"    <MEDIA_DESCRIPTOR MEDIA_URL="{url}" MIME_TYPE="{kind}"/>"#),
            &format!(r#"    <PROPERTY NAME="lastUsedAnnotationId">{last}</PROPERTY>"#),
            "  </HEADER>\n",
        ]
        .join("\n")
    }

    fn tail(annotations: &[(&str, &str)]) -> String {
        let mut text =
            String::from("  <TIER LINGUISTIC_TYPE_REF=\"emotion\" TIER_ID=\"emotion\">\n");
        for (attributes, value) in annotations {
            text += "    <ANNOTATION>\n";
            text += &format!("      <ALIGNABLE_ANNOTATION {attributes}>\n");
            text += &format!("        <ANNOTATION_VALUE>{value}</ANNOTATION_VALUE>\n");
            text += "      </ALIGNABLE_ANNOTATION>\n    </ANNOTATION>\n";
        }
        text += "  </TIER>\n";
        text += "  <LINGUISTIC_TYPE GRAPHIC_REFERENCES=\"false\" LINGUISTIC_TYPE_ID=\"emotion\" TIME_ALIGNABLE=\"true\"/>\n";
        text + "</ANNOTATION_DOCUMENT>\n"
    }

    #[test]
    fn a_clip_without_a_stretch_has_an_empty_tier() {
        let order = "  <TIME_ORDER>\n  </TIME_ORDER>\n";
        let expected = head("file:///clips/a b.wav", "audio/x-wav", 0) + order + &tail(&[]);
        assert_eq!(text(Form::Elan, 0), expected);
    }

    #[test]
    fn letters_of_marks_are_escaped() {
        let url = "file:///clips/b, &quot;c&quot; &lt;d&gt; &amp; é.mp4";
        let order = r#"  <TIME_ORDER>
    <TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="0"/>
    <TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="3661003"/>
    <TIME_SLOT TIME_SLOT_ID="ts3" TIME_VALUE="3661003"/>
    <TIME_SLOT TIME_SLOT_ID="ts4" TIME_VALUE="7322006"/>
  </TIME_ORDER>
"#;
        let first = r#"ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2""#;
        let second = r#"ANNOTATION_ID="a2" TIME_SLOT_REF1="ts3" TIME_SLOT_REF2="ts4""#;
        let joy = "joy &amp; &quot;&lt;wonder&gt;&quot;";
        let tail = tail(&[(first, joy), (second, "Wut, Ärger")]);
        assert_eq!(odd_text(Form::Elan), head(url, "video/mp4", 2) + order + &tail);
    }
}
