//! Money at work in this process: what waits is done, what may have been missed is looked for, and all of it is counted.
mod comparison;
mod counted;
mod figures;
#[cfg(test)]
pub(crate) mod stage;
mod worker;

pub(crate) use self::{
    comparison::{Comparison, words},
    counted::Counted,
    figures::Figures,
    worker::{Worker, Working},
};
