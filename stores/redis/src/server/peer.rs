//! What a server says of itself.

/// What a server says of itself, where it does.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Peer {
    pub(crate) mode: Option<Mode>,
    pub(crate) is_primary: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Standalone,
    Cluster,
    Sentinel,
}

impl Mode {
    pub(crate) fn of(text: &str) -> Self {
        match text {
            "cluster" => Self::Cluster,
            "sentinel" => Self::Sentinel,
            _ => Self::Standalone,
        }
    }
}
