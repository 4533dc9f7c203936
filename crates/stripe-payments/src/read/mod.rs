//! Stripe's objects, read leniently: what is needed is looked for where the versions of the API have it, and the rest is left alone.

mod charge;
mod invoice;
mod method;
mod object;
mod running;
mod subscription;

pub(crate) use self::{
    charge::Charges,
    invoice::{Bill, invoice},
    method::{described, method},
    object::{Object, id},
    running::Running,
    subscription::{deciding, owes, subscription},
};
