//! One server: how it is reached, and the connection to it that many calls share.
//!
//! `address` (where it is), `login` (user, password and database), `greeting` (how a connection
//! begins over RESP2), `stream` (TCP, TLS or a socket), `lines` (what the parser must not see),
//! `dial` (from an address to a connection), `peer` (what the server says of itself), `sentinel`
//! (who the primary is), `target` (whom a connection leads to), `link` (a connection that is
//! replaced when it fails).

mod address;
mod dial;
mod greeting;
mod lines;
mod link;
mod login;
mod peer;
mod sentinel;
mod stream;
mod target;

pub(super) use address::Address;
pub(super) use dial::Dialer;
pub(super) use link::{Deadline, Link};
pub(super) use login::{Login, Protocol};
pub(super) use peer::Mode;
pub(super) use sentinel::Sentinels;
pub(super) use target::Target;
