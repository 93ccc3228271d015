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

    /// Reads the line `redis_mode:cluster` in the answer to `INFO server`.
    pub(super) fn in_info(info: &str) -> Option<Self> {
        info.lines().find_map(|line| line.split_once("_mode:")).map(|(_, mode)| Self::of(mode.trim()))
    }
}
