use kernel::StoreError;
use krilla::{
    Document,
    color::rgb,
    geom::{Path, PathBuilder, Point, Rect},
    page::PageSettings,
    paint::Fill,
    surface::Surface,
};

use crate::{
    font::{Fonts, Run, Style, Weight},
    text::wrap,
};

/// A4, in points.
pub(crate) const WIDTH: f32 = 595.28;
pub(crate) const HEIGHT: f32 = 841.89;
/// Free on the left and on the right.
pub(crate) const MARGIN: f32 = 51.0;
/// Where the content ends on the right.
pub(crate) const RIGHT: f32 = WIDTH - MARGIN;
/// Below this only the foot stands.
pub(crate) const BOTTOM: f32 = HEIGHT - 76.0;

/// The colours of a document, red, green, blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ink(pub(crate) u8, pub(crate) u8, pub(crate) u8);

impl Ink {
    pub(crate) const TEXT: Self = Self(0x1d, 0x23, 0x30);
    pub(crate) const QUIET: Self = Self(0x6b, 0x74, 0x85);
    pub(crate) const LINE: Self = Self(0xdf, 0xe3, 0xea);
    pub(crate) const BAND: Self = Self(0xf3, 0xf5, 0xf9);
    pub(crate) const ACCENT: Self = Self(0x23, 0x3d, 0x7b);
    pub(crate) const GOOD: Self = Self(0x1e, 0x7b, 0x4f);
    pub(crate) const BAD: Self = Self(0xb3, 0x2d, 0x2d);
    pub(crate) const WHITE: Self = Self(0xff, 0xff, 0xff);
}

/// A rectangle: where its left upper corner is, and its size, in points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Area {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) width: f32,
    pub(crate) height: f32,
}

/// Something on a page.
enum Mark {
    Text { x: f32, y: f32, style: Style, ink: Ink, runs: Vec<Run> },
    Area { area: Area, radius: f32, ink: Ink },
}

/// Pages that are being filled. Nothing is written until all of them are known: the first one says how many there are.
pub(crate) struct Sheets<'a> {
    pub(crate) fonts: &'a Fonts,
    done: Vec<Vec<Mark>>,
    page: Vec<Mark>,
    /// How far the page is filled, in points from its top.
    pub(crate) y: f32,
}

impl<'a> Sheets<'a> {
    pub(crate) const fn new(fonts: &'a Fonts) -> Self {
        Self { fonts, done: Vec::new(), page: Vec::new(), y: 0.0 }
    }

    /// Whether so much of height is left.
    pub(crate) fn has_room(&self, height: f32) -> bool {
        self.y + height <= BOTTOM
    }

    /// Goes on with an empty page.
    pub(crate) fn turn(&mut self) {
        self.done.push(std::mem::take(&mut self.page));
        self.y = 0.0;
    }

    /// Text that begins at `x`, on this base line.
    pub(crate) fn text(&mut self, x: f32, y: f32, (style, ink): (Style, Ink), text: &str) {
        let runs = self.fonts.shape(style.weight, text);
        self.page.push(Mark::Text { x, y, style, ink, runs });
    }

    /// Text that ends at `x`.
    pub(crate) fn text_to(&mut self, x: f32, y: f32, look: (Style, Ink), text: &str) {
        let begin = x - self.fonts.width(look.0, text);
        self.text(begin, y, look, text);
    }

    /// Text that ends at `x`, in smaller letters where it would not fit into this width otherwise.
    pub(crate) fn fit_to(&mut self, x: f32, width: f32, (style, ink): (Style, Ink), text: &str) {
        let wide = self.fonts.width(style, text);
        let size = if wide > width { style.size * width / wide } else { style.size };
        self.text_to(x, self.y, (Style { size, ..style }, ink), text);
    }

    /// Text in lines that are `width` wide, at most `most` of them, from [`Sheets::y`] on, which is moved below them.
    pub(crate) fn block(&mut self, x: f32, width: f32, most: usize, look: (Style, Ink), text: &str) {
        for line in wrap(self.fonts, look.0, text, width, most) {
            self.y += look.0.size * 1.42;
            self.text(x, self.y, look, &line);
        }
    }

    /// A filled rectangle; with round corners where `radius` is not 0.
    pub(crate) fn area(&mut self, area: Area, radius: f32, ink: Ink) {
        self.page.push(Mark::Area { area, radius, ink });
    }

    /// A line from one margin to the other.
    pub(crate) fn rule(&mut self, y: f32) {
        self.area(Area { x: MARGIN, y, width: RIGHT - MARGIN, height: 0.7 }, 0.0, Ink::LINE);
    }

    /// Writes the pages, with `foot` and their numbers at the bottom of each.
    pub(crate) fn write(mut self, document: &mut Document, foot: &str) -> Result<(), StoreError> {
        self.turn();
        let (fonts, pages) = (self.fonts, self.done.len());
        let fill = |ink: Ink| Fill { paint: rgb::Color::new(ink.0, ink.1, ink.2).into(), ..Fill::default() };
        for (before, mut marks) in std::mem::take(&mut self.done).into_iter().enumerate() {
            std::mem::swap(&mut self.page, &mut marks);
            self.foot(foot, &format!("Page {} of {pages}", before + 1));
            let settings =
                PageSettings::from_wh(WIDTH, HEIGHT).ok_or_else(|| StoreError::broken("no page of this size"))?;
            let mut page = document.start_page_with(settings);
            let mut surface = page.surface();
            for mark in std::mem::take(&mut self.page) {
                match mark {
                    Mark::Area { area, radius, ink } => {
                        surface.set_fill(Some(fill(ink)));
                        if let Some(path) = outline(area, radius) {
                            surface.draw_path(&path);
                        }
                    }
                    Mark::Text { x, y, style, ink, runs } => {
                        surface.set_fill(Some(fill(ink)));
                        draw(&mut surface, fonts, Point::from_xy(x, y), style, &runs);
                    }
                }
            }
            surface.finish();
            page.finish();
        }
        Ok(())
    }

    fn foot(&mut self, foot: &str, number: &str) {
        let (y, look) = (HEIGHT - 40.0, (Style::regular(7.5), Ink::QUIET));
        self.rule(y - 14.0);
        let room = RIGHT - MARGIN - 90.0;
        let line = wrap(self.fonts, look.0, foot, room, 1).into_iter().next().unwrap_or_default();
        self.text(MARGIN, y, look, &line);
        self.text_to(RIGHT, y, look, number);
    }
}

fn draw(surface: &mut Surface<'_>, fonts: &Fonts, mut at: Point, style: Style, runs: &[Run]) {
    let Style { weight, size } = style;
    for run in runs {
        if !run.glyphs.is_empty() {
            surface.draw_glyphs(at, &run.glyphs, fonts.font(weight), &run.text, size, false);
        }
        at.x += run.width * size;
    }
}

/// The outline of a rectangle; `None` for an empty one.
fn outline(area: Area, radius: f32) -> Option<Path> {
    let Area { x, y, width, height } = area;
    let mut path = PathBuilder::new();
    if radius <= 0.0 {
        path.push_rect(Rect::from_xywh(x, y, width, height)?);
        return path.finish();
    }
    // A quarter of a circle as a curve leans on its corner by this much.
    let lean = radius * 0.447_715;
    let (right, low) = (x + width, y + height);
    path.move_to(x + radius, y);
    path.line_to(right - radius, y);
    path.cubic_to(right - lean, y, right, y + lean, right, y + radius);
    path.line_to(right, low - radius);
    path.cubic_to(right, low - lean, right - lean, low, right - radius, low);
    path.line_to(x + radius, low);
    path.cubic_to(x + lean, low, x, low - lean, x, low - radius);
    path.line_to(x, y + radius);
    path.cubic_to(x, y + lean, x + lean, y, x + radius, y);
    path.close();
    path.finish()
}

/// Small letters that say what stands below them.
pub(crate) const LABEL: (Style, Ink) = (Style { weight: Weight::Bold, size: 7.2 }, Ink::QUIET);
