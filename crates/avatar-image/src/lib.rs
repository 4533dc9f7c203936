//! Profile pictures re-made from their pixels: [`ImageRenderer`] is the [`account_core::AvatarRenderer`].
//!
//! What goes in is a stranger's file; what comes out is a new 256×256 picture, as lossless WebP and as PNG, that shares nothing
//! with it but colours. Metadata (EXIF with its places and devices, XMP, ICC, text) and whatever was hidden behind the picture
//! stay behind.
//!
//! The way in, each step before the next:
//!
//! 1. The format is told by the first bytes, never by a name or a declared type: PNG, JPEG or WebP, all else is refused.
//! 2. Width, height (4096 each) and the number of frames (one) are read from the header, before a pixel is decoded.
//! 3. The file must be whole up to the format's own end mark; what follows the mark is cut off.
//! 4. The pixels are decoded into at most 64 MiB: a picture of 16 bits a channel reaches that before 4096×4096. (A decoder needs
//!    memory of its own beside them: the most, about 100 MiB, that of a progressive JPEG of 4096×4096.)
//! 5. The middle square is scaled down, then turned as EXIF asks: after that only 256 KiB are left of it.
//!
//! The work runs on Tokio's blocking threads, two pictures at once by default; who has waited 5 s is told `Busy`. A decoder that
//! panics has met a damaged file and takes nothing with it.
mod decode;
mod extent;
mod renderer;
mod square;

pub use self::renderer::ImageRenderer;
