pub(crate) mod catalogue;
pub(crate) mod decision;
pub(crate) mod draft;
pub(crate) mod field;
pub(crate) mod plan;
pub(crate) mod service;
pub(crate) mod subscription;
