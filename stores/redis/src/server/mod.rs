//! One server: how it is reached, and the connection to it that many calls share.
//!
//! `address` (where it is), `login` (how a connection begins), `stream` (TCP, TLS or a socket),
//! `lines` (what the parser must not see), `dial` (from an address to a connection), `sentinel`
//! (who the primary is), `link` (a connection that is replaced when it fails).

mod address;
mod dial;
mod lines;
mod link;
mod login;
mod sentinel;
mod stream;

pub(super) use address::Address;
pub(super) use dial::{Dialer, Mode, Target};
pub(super) use link::{Deadline, Link};
pub(super) use login::{Login, Protocol};
pub(super) use sentinel::Sentinels;
