//! Experiment files and `key=value` settings: any text is an experiment or an error with words.
#![no_main]

use av_train::Experiment;
use libfuzzer_sys::fuzz_target;

// Settings follow the text of the file, each after a zero byte.
fuzz_target!(|input: &str| {
    let mut parts = input.split('\0');
    let text = parts.next().unwrap_or_default();
    let settings: Vec<String> = parts.map(String::from).collect();
    match Experiment::parse(text, &settings) {
        Ok(experiment) => {
            let written = toml::to_string(&experiment).expect("an experiment can be written");
            let read = Experiment::parse(&written, &[]).expect("what was written can be read");
            assert_eq!(toml::to_string(&read).expect("an experiment can be written"), written);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
