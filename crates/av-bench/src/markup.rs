//! Text inside of HTML and XML.

/// A text whose letters mark nothing. Control characters, which XML cannot hold, are the sign for a letter that is not
/// known.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(letter),
            letter if letter.is_control() => escaped.push(char::REPLACEMENT_CHARACTER),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_marks_and_control_characters_are_replaced() {
        assert_eq!(escape("a<b> & \"c\"\n\té"), "a&lt;b&gt; &amp; &quot;c&quot;\n\té");
        assert_eq!(escape("\u{1}x\u{7f}"), "\u{fffd}x\u{fffd}");
    }
}
