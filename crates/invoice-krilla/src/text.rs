use crate::font::{Fonts, Style};

/// More characters than this are never set of one text: nobody reads them, and somebody may have sent them to fill a disk.
const MOST: usize = 500;

/// A text as one line: no control characters, no marks that change the direction of what follows, single spaces.
pub(crate) fn clean(text: &str) -> String {
    let shown = text.chars().take(MOST).filter(|c| !is_hidden(*c));
    let spaced: String = shown.map(|c| if c.is_control() || c.is_whitespace() { ' ' } else { c }).collect();
    spaced.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The same, line by line: what stands on lines of its own keeps them, and empty ones are left out.
pub(crate) fn clean_lines(text: &str) -> Vec<String> {
    let lines = text.split(['\n', '\r']).map(clean);
    lines.filter(|line| !line.is_empty()).collect()
}

/// Directional marks, the byte order mark and noncharacters: one could make a name look like another one.
const fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
            | '\u{fdd0}'..='\u{fdef}' | '\u{fffe}' | '\u{ffff}'
    )
}

/// A clean text in lines that are at most `width` points wide, and at most `most` of them: the last one ends in an ellipsis if there is more.
pub(crate) fn wrap(fonts: &Fonts, style: Style, text: &str, width: f32, most: usize) -> Vec<String> {
    if fonts.width(style, text) <= width {
        return vec![text.to_owned()];
    }
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        for piece in pieces(fonts, style, word, width) {
            let longer = if line.is_empty() { piece.clone() } else { format!("{line} {piece}") };
            if line.is_empty() || fonts.width(style, &longer) <= width {
                line = longer;
            } else {
                lines.push(std::mem::replace(&mut line, piece));
            }
        }
        if lines.len() >= most {
            return shortened(fonts, style, lines, width, most);
        }
    }
    lines.push(line);
    if lines.len() > most { shortened(fonts, style, lines, width, most) } else { lines }
}

/// A word in pieces that fit: a word that does not is broken between characters.
fn pieces(fonts: &Fonts, style: Style, word: &str, width: f32) -> Vec<String> {
    if fonts.width(style, word) <= width {
        return vec![word.to_owned()];
    }
    let (mut pieces, mut piece, mut used) = (Vec::new(), String::new(), 0.0);
    for c in word.chars() {
        let wide = fonts.width(style, c.encode_utf8(&mut [0; 4]));
        if used + wide > width && !piece.is_empty() {
            pieces.push(std::mem::take(&mut piece));
            used = 0.0;
        }
        used += wide;
        piece.push(c);
    }
    pieces.push(piece);
    pieces
}

/// The first `most` lines, and an ellipsis.
fn shortened(fonts: &Fonts, style: Style, mut lines: Vec<String>, width: f32, most: usize) -> Vec<String> {
    lines.truncate(most);
    if let Some(last) = lines.last_mut() {
        while !last.is_empty() && fonts.width(style, &format!("{last}…")) > width {
            last.pop();
        }
        last.push('…');
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_left_out() {
        assert_eq!(clean(" a\r\n\tb\u{0}c\u{202e}d\u{a0}  e "), "a b cd e");
        assert_eq!(clean_lines("1 Road\r\n\r\nTown\u{2028}\u{7}"), ["1 Road", "Town"]);
        assert_eq!(clean(&"x".repeat(5_000)).len(), MOST);
    }

    #[test]
    fn a_line_is_never_wider_than_it_may_be() {
        let fonts = Fonts::new().expect("the fonts are part of the program");
        let style = Style::regular(9.0);
        for text in ["a few words that do not fit into one line of this width", &"W".repeat(300), "short", "a b c"] {
            let lines = wrap(&fonts, style, text, 100.0, 50);
            assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
            assert!(lines.iter().all(|line| fonts.width(style, line) <= 100.0), "{lines:?}");
        }
        let lines = wrap(&fonts, style, &"word ".repeat(100), 100.0, 3);
        assert_eq!(lines.len(), 3);
        assert!(lines[2].ends_with('…') && fonts.width(style, &lines[2]) <= 100.0, "{lines:?}");
    }
}
