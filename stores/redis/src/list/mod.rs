//! One page of a list.
//!
//! A page is shown in two steps: candidates, which are the next keys in key order by whatever knows
//! them, and a look at each, since it may have gone or expired meanwhile. The cursor holds the last
//! candidate that was looked at. That alone tells where a list goes on, so a page needs nothing
//! from the one before; what `remainder` keeps of it only spares work.

mod candidates;
mod page;
mod remainder;
mod room;
mod scan;
mod walk;

pub(super) use candidates::Candidates;
pub(super) use page::exists;
pub(super) use remainder::Remainders;
pub(super) use walk::Walk;
