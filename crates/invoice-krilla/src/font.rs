use kernel::StoreError;
use krilla::text::{Font, GlyphId, KrillaGlyph};
use rustybuzz::{Direction, UnicodeBuffer};
use unicode_bidi::{BidiInfo, Level};

static REGULAR: &[u8] = include_bytes!("../assets/DejaVuSansCondensed.ttf");
static BOLD: &[u8] = include_bytes!("../assets/DejaVuSansCondensed-Bold.ttf");

/// How heavy letters are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    Regular,
    Bold,
}

/// How text is set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Style {
    pub(crate) weight: Weight,
    /// In points.
    pub(crate) size: f32,
}

impl Style {
    pub(crate) const fn regular(size: f32) -> Self {
        Self { weight: Weight::Regular, size }
    }

    pub(crate) const fn bold(size: f32) -> Self {
        Self { weight: Weight::Bold, size }
    }
}

/// A stretch of text in one direction, as glyphs.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) text: String,
    pub(crate) glyphs: Vec<KrillaGlyph>,
    /// In ems.
    pub(crate) width: f32,
}

struct Face {
    font: Font,
    shaper: rustybuzz::Face<'static>,
    /// Units of an em.
    em: f32,
    /// What is drawn for a character that the font lacks, and how wide that is, in ems. It is a box like the font's own glyph for the purpose, whose
    /// number is 0: readers take no text from that one.
    missing: (u32, f32),
}

impl Face {
    fn new(data: &'static [u8]) -> Result<Self, StoreError> {
        let unreadable = || StoreError::broken("an embedded font cannot be read");
        let font = Font::new(data.into(), 0).ok_or_else(unreadable)?;
        let shaper = rustybuzz::Face::from_slice(data, 0).ok_or_else(unreadable)?;
        let em = units(shaper.units_per_em());
        let boxed = shaper.glyph_index('□').ok_or_else(unreadable)?;
        let wide = shaper.glyph_hor_advance(boxed).map_or(0.0, f32::from) / em;
        Ok(Self { font, shaper, em, missing: (u32::from(boxed.0), wide) })
    }

    fn run(&self, text: &str, direction: Direction) -> Run {
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.guess_segment_properties();
        buffer.set_direction(direction);
        let shaped = rustybuzz::shape(&self.shaper, &[], buffer);
        let start = |cluster: u32| usize::try_from(cluster).unwrap_or_default();
        let mut starts: Vec<usize> = shaped.glyph_infos().iter().map(|info| start(info.cluster)).collect();
        starts.sort_unstable();
        let (mut glyphs, mut width) = (Vec::with_capacity(starts.len()), 0.0);
        for (info, place) in shaped.glyph_infos().iter().zip(shaped.glyph_positions()) {
            let from = start(info.cluster);
            let next = starts.partition_point(|other| *other <= from);
            let range = from..starts.get(next).copied().unwrap_or(text.len());
            let [mut advance, x, y, down] =
                [place.x_advance, place.x_offset, place.y_offset, place.y_advance].map(|value| units(value) / self.em);
            let mut glyph = info.glyph_id;
            if glyph == 0 {
                (glyph, advance) = self.missing;
            }
            glyphs.push(KrillaGlyph::new(GlyphId::new(glyph), advance, x, y, down, range, None));
            width += advance;
        }
        Run { text: text.to_owned(), glyphs, width }
    }
}

/// A value of a font's tables, which have 16 bits.
fn units(value: i32) -> f32 {
    f32::from(i16::try_from(value).unwrap_or(i16::MAX))
}

/// The fonts. Reading them is most of the work of a small document, so they are kept.
pub(crate) struct Fonts {
    regular: Face,
    bold: Face,
}

impl Fonts {
    /// Reads the embedded fonts.
    pub(crate) fn new() -> Result<Self, StoreError> {
        Ok(Self { regular: Face::new(REGULAR)?, bold: Face::new(BOLD)? })
    }

    const fn face(&self, weight: Weight) -> &Face {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }

    pub(crate) fn font(&self, weight: Weight) -> Font {
        self.face(weight).font.clone()
    }

    /// A line, in runs from left to right as they are seen (UAX #9).
    pub(crate) fn shape(&self, weight: Weight, text: &str) -> Vec<Run> {
        let face = self.face(weight);
        if text.is_ascii() {
            return vec![face.run(text, Direction::LeftToRight)];
        }
        let bidi = BidiInfo::new(text, Some(Level::ltr()));
        let mut seen = Vec::new();
        for paragraph in &bidi.paragraphs {
            let (levels, runs) = bidi.visual_runs(paragraph, paragraph.range.clone());
            for run in runs {
                let backwards = levels.get(run.start).is_some_and(Level::is_rtl);
                let direction = if backwards { Direction::RightToLeft } else { Direction::LeftToRight };
                seen.extend(text.get(run).map(|part| face.run(part, direction)));
            }
        }
        seen
    }

    /// How wide a line is, in points.
    pub(crate) fn width(&self, style: Style, text: &str) -> f32 {
        self.shape(style.weight, text).iter().map(|run| run.width).sum::<f32>() * style.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_belongs_to_a_glyph_in_every_script() {
        let fonts = Fonts::new().expect("the fonts are part of the program");
        for text in ["Acme", "Žižkov ΑΒΓ Ёж", "株式会社", "שלום Ltd 42", "مرحبا", "e\u{301}\u{302}", "👩‍👩‍👧", "", "ﬁ ffi"]
        {
            let runs = fonts.shape(Weight::Regular, text);
            let bytes: usize = runs.iter().map(|run| run.text.len()).sum();
            assert_eq!(bytes, text.len(), "{text}");
            for run in &runs {
                let covered = run.glyphs.iter().all(|glyph| run.text.get(glyph.text_range.clone()).is_some());
                assert!(covered && run.width >= 0.0, "{text}");
            }
        }
    }
}
