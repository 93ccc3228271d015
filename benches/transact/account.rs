//! What is transferred, and between whom.

use std::error::Error;

use serde::{Deserialize, Serialize};

/// An error of a task.
pub type Failure = Box<dyn Error + Send + Sync>;

/// One way to transfer a cent.
pub trait Transfers: Send + Sync + 'static {
    /// Opens accounts from 0 on.
    fn open(&self, accounts: u64) -> impl Future<Output = Result<(), Failure>> + Send;

    fn transfer(&self, from: u64, to: u64) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// An account as its JSON, without the id.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Balance {
    pub owner: String,
    pub iban: String,
    pub cents: i64,
    pub entries: u64,
}

impl Balance {
    pub fn new(id: u64) -> Self {
        Self { owner: format!("owner {id}"), iban: format!("DE{id:020}"), cents: 1_000_000, entries: 0 }
    }

    pub const fn add(&mut self, cents: i64) {
        self.cents += cents;
        self.entries += 1;
    }
}

/// Which accounts a task takes.
#[derive(Clone, Copy)]
pub enum Pick {
    /// A hundred accounts for each task, so that no two tasks meet.
    Apart,
    /// Any of so many.
    Among(u64),
}

impl Pick {
    /// The two accounts of a task's transfer with this number, in no order.
    pub const fn accounts(self, task: u64, number: u64) -> (u64, u64) {
        let (first, count) = match self {
            Self::Apart => (100 * task, 100),
            Self::Among(count) => (0, count),
        };
        // Mixed, so that the same numbers of two tasks lead to different accounts.
        let mut mixed =
            number.wrapping_mul(64).wrapping_add(task).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed ^= mixed >> 29;
        let from = mixed % count;
        let to = (from + 1 + (mixed >> 32) % (count - 1)) % count;
        (first + from, first + to)
    }
}
