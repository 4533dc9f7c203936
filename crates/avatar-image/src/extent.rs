//! Which format a file is, and where its picture ends: decoders are content with less than a whole file.

/// What we read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Png,
    Jpeg,
    WebP,
}

const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Tells the format by the first bytes.
pub(crate) fn sniff(file: &[u8]) -> Option<Format> {
    if file.starts_with(PNG_SIGNATURE) {
        Some(Format::Png)
    } else if file.starts_with(&[0xff, 0xd8, 0xff]) {
        Some(Format::Jpeg)
    } else if file.starts_with(b"RIFF") && file.get(8..12) == Some(b"WEBP") {
        Some(Format::WebP)
    } else {
        None
    }
}

/// The length of the picture up to its end mark; `None` when the file ends before that.
pub(crate) fn extent(format: Format, file: &[u8]) -> Option<usize> {
    let end = match format {
        Format::Png => png_end(file)?,
        Format::Jpeg => jpeg_end(file)?,
        Format::WebP => webp_end(file)?,
    };
    (end <= file.len()).then_some(end)
}

/// Behind the IEND chunk (PNG, 5.3: length, type, data, CRC).
fn png_end(file: &[u8]) -> Option<usize> {
    let mut at = PNG_SIGNATURE.len();
    loop {
        let length = usize::try_from(u32::from_be_bytes(array(file, at)?)).ok()?;
        let kind: [u8; 4] = array(file, at.checked_add(4)?)?;
        at = at.checked_add(length)?.checked_add(12)?;
        if &kind == b"IEND" {
            return Some(at);
        }
    }
}

/// Behind the RIFF chunk (its size counts what follows the first eight bytes).
fn webp_end(file: &[u8]) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(array(file, 4)?)).ok()?.checked_add(8)
}

/// Behind the EOI marker (ITU T.81, B.1.1): segments have lengths, entropy-coded data runs to the next marker.
fn jpeg_end(file: &[u8]) -> Option<usize> {
    let mut at = 2;
    loop {
        let [mark, kind] = array(file, at)?;
        match (mark, kind) {
            (0xff, 0xd9) => return at.checked_add(2),
            // A fill byte before a marker.
            (0xff, 0xff) => at = at.checked_add(1)?,
            // Markers that stand alone: TEM, RSTn.
            (0xff, 0x01 | 0xd0..=0xd7) => at = at.checked_add(2)?,
            (0xff, 0x02..) => {
                let length = usize::from(u16::from_be_bytes(array(file, at.checked_add(2)?)?));
                at = at.checked_add(2)?.checked_add(length)?;
                if kind == 0xda {
                    at = entropy_end(file, at)?;
                }
            }
            _ => return None,
        }
    }
}

/// The next marker that ends entropy-coded data: neither a stuffed zero nor a restart.
fn entropy_end(file: &[u8], from: usize) -> Option<usize> {
    let data = file.get(from..)?;
    let marker = |pair: &[u8]| matches!(pair, [0xff, kind] if !matches!(kind, 0x00 | 0xd0..=0xd7 | 0xff));
    from.checked_add(data.windows(2).position(marker)?)
}

fn array<const N: usize>(file: &[u8], at: usize) -> Option<[u8; N]> {
    file.get(at..at.checked_add(N)?)?.try_into().ok()
}
