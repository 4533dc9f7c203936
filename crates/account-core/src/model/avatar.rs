use std::fmt;

use kernel::Ambient;

/// The name of a stored picture: random, with nothing of the person in it, and new with every picture.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AvatarName(String);

impl AvatarName {
    /// A new name, 32 hexadecimal characters.
    pub fn mint(ambient: &Ambient) -> Self {
        Self(ambient.random::<16>().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Reads a name; `None` when it cannot be one (so no name is ever a path).
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        (text.len() == 32 && hex).then(|| Self(text.to_owned()))
    }

    /// The file that holds the picture as WebP.
    pub fn webp(&self) -> String {
        format!("{}.webp", self.0)
    }

    /// The file that holds the picture as PNG.
    pub fn png(&self) -> String {
        format!("{}.png", self.0)
    }

    /// Reads one of the two file names and its media type.
    pub fn parse_file(file: &str) -> Option<(Self, &'static str)> {
        let (name, extension) = file.split_once('.')?;
        let media = match extension {
            "webp" => "image/webp",
            "png" => "image/png",
            _ => return None,
        };
        Some((Self::parse(name)?, media))
    }
}

impl fmt::Display for AvatarName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A picture re-made from its pixels: 256×256, without metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// As WebP.
    pub webp: Vec<u8>,
    /// As PNG.
    pub png: Vec<u8>,
}

/// A stored picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Avatar {
    /// `image/webp` or `image/png`.
    pub media_type: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}
