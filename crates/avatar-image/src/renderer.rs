use std::{sync::Arc, time::Duration};

use account_core::{AvatarRenderer, NotRendered, Rendered};
use async_trait::async_trait;
use image::{
    DynamicImage, ImageResult,
    codecs::{png::PngEncoder, webp::WebPEncoder},
};
use tokio::sync::Semaphore;

use crate::{decode::decode, square::square};

/// Re-makes pictures off the request's thread, bounded.
#[derive(Debug, Clone)]
pub struct ImageRenderer {
    turns: Arc<Semaphore>,
    wait: Duration,
}

impl ImageRenderer {
    /// Works on at most `max_parallel` pictures at once (at least one); who has waited `wait` for a turn is told `Busy`.
    pub fn new(max_parallel: usize, wait: Duration) -> Self {
        Self { turns: Arc::new(Semaphore::new(max_parallel.max(1))), wait }
    }
}

impl Default for ImageRenderer {
    /// Two at once, five seconds.
    fn default() -> Self {
        Self::new(2, Duration::from_secs(5))
    }
}

#[async_trait]
impl AvatarRenderer for ImageRenderer {
    async fn render(&self, file: Vec<u8>) -> Result<Rendered, NotRendered> {
        let Ok(Ok(turn)) = tokio::time::timeout(self.wait, Arc::clone(&self.turns).acquire_owned()).await else {
            return Err(NotRendered::Busy);
        };
        // The turn belongs to the work: a caller who goes away does not make room for more than the machine can hold.
        let work = tokio::task::spawn_blocking(move || {
            let rendered = make(&file);
            drop(turn);
            rendered
        });
        match work.await {
            Ok(rendered) => rendered,
            Err(panicked) if panicked.is_panic() => Err(NotRendered::Damaged),
            Err(_) => Err(NotRendered::Busy),
        }
    }
}

fn make(file: &[u8]) -> Result<Rendered, NotRendered> {
    let (picture, orientation) = decode(file)?;
    let mut small = square(picture);
    small.apply_orientation(orientation);
    // Writing 256×256 pixels into memory fails for a wrong colour type only, which `square` does not make.
    encode(&small).ok().ok_or(NotRendered::Damaged)
}

fn encode(picture: &DynamicImage) -> ImageResult<Rendered> {
    let (mut webp, mut png) = (Vec::new(), Vec::new());
    picture.write_with_encoder(WebPEncoder::new_lossless(&mut webp))?;
    picture.write_with_encoder(PngEncoder::new(&mut png))?;
    Ok(Rendered { webp, png })
}
