//! The accounts, their entries, and the transactions on them.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use kv_runtime::store::{AtomicStore, StoreExt};
use kv_runtime::{Error, Kv, KvEntity, Tx};

/// How much one account may pay on a day.
const DAILY_LIMIT: i64 = 100_000; // cents

/// account:7
#[derive(KvEntity, Debug)]
#[kv(prefix = "account")]
pub struct Account {
    #[kv(id)]
    id: u64,
    cents: i64,
    /// The number of its last entry.
    entries: u64,
}

/// entry:7:00000000000000000042. It never changes.
#[derive(KvEntity, Debug)]
#[kv(prefix = "entry")]
struct Entry {
    #[kv(id)]
    account: u64,
    #[kv(id, ordered)] // a list shows the entries from the first to the last
    number: u64,
    cents: i64,
    other: u64,
}

/// spent:7:20787, which is of no use after that day.
#[derive(KvEntity, Debug)]
#[kv(prefix = "spent", ttl = "2d")]
struct Spent {
    #[kv(id)]
    account: u64,
    #[kv(id)]
    day: u64,
    cents: i64,
}

/// Why nothing was transferred.
#[derive(Debug)]
pub enum Refused {
    NoAccount(u64),
    Overdrawn { account: u64, cents: i64 },
    Limit { account: u64, left: i64 },
    Store(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAccount(id) => write!(f, "there is no account {id}"),
            Self::Overdrawn { account, cents } => write!(f, "account {account} has {}", euros(*cents)),
            Self::Limit { account, left } => {
                write!(f, "account {account} may pay {} more today", euros(*left))
            }
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Refused {}

fn euros(cents: i64) -> String {
    format!("{}.{:02} €", cents / 100, cents % 100)
}

/// All accounts of a store.
pub struct Book<S> {
    kv: Kv<S>,
}

impl<S: AtomicStore> Book<S> {
    pub fn new(kv: Kv<S>) -> Self {
        Self { kv }
    }

    pub fn kv(&self) -> &Kv<S> {
        &self.kv
    }

    /// Opens the accounts all at once, and returns whether they are new.
    pub async fn open(&self, ids: RangeInclusive<u64>, cents: i64) -> Result<bool, Error> {
        let opened = self.kv.transact(async |tx| {
            for id in ids.clone() {
                tx.insert(&Account { id, cents, entries: 0 })?;
            }
            Ok(())
        });
        match opened.await {
            Ok(()) => Ok(true),
            Err(Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Moves money, and returns what is left.
    pub async fn transfer(&self, from: u64, to: u64, cents: i64) -> Result<i64, Refused> {
        // Decided once: the closure may run several times.
        let day = self.kv.store().clock().now().as_millis() / 86_400_000;
        self.kv
            .try_transact(async |tx| -> Result<_, Refused> {
                // One round trip, where two calls of `get` would be two.
                let found = tx.get_many::<Account>([from, to]).await?;
                let [Some(mut payer), Some(mut payee)] = <[_; 2]>::try_from(found).unwrap_or([None, None])
                else {
                    return Err(Refused::NoAccount(if tx.exists::<Account>(from).await? {
                        to
                    } else {
                        from
                    }));
                };
                spend(tx, from, day, cents).await?;
                if payer.cents < cents {
                    return Err(Refused::Overdrawn { account: from, cents: payer.cents });
                }
                post(tx, &mut payer, -cents, to)?;
                post(tx, &mut payee, cents, from)?;
                Ok(payer.cents)
            })
            .await
    }

    /// Returns what all accounts have, at one moment.
    pub async fn sum(&self, ids: RangeInclusive<u64>) -> Result<i64, Error> {
        let accounts = self.kv.transact(async |tx| tx.get_many::<Account>(ids.clone()).await).await?;
        Ok(accounts.into_iter().flatten().map(|account| account.cents).sum())
    }

    /// Fails unless each balance is what the account was opened with and the sum of its entries.
    pub async fn check_entries(&self, ids: RangeInclusive<u64>, opened_with: i64) -> Result<(), Error> {
        for id in ids {
            let account = self.kv.collection::<Account>().get(id).await?;
            let account = account.unwrap_or(Account { id, cents: opened_with, entries: 0 });
            let entries = self.kv.collection::<Entry>();
            let entries = entries.get_many((1..=account.entries).map(|number| (id, number))).await?;
            let sum: i64 = entries.iter().flatten().map(|entry| entry.cents).sum();
            assert_eq!(
                entries.iter().flatten().count(),
                entries.len(),
                "an entry of account {id} is missing"
            );
            assert_eq!(account.cents, opened_with + sum, "account {id} does not agree with its entries");
        }
        Ok(())
    }
}

/// Counts what an account pays on a day.
async fn spend<S: AtomicStore>(tx: &Tx<S>, account: u64, day: u64, cents: i64) -> Result<(), Refused> {
    let none = || Spent { account, day, cents: 0 };
    let before = tx.get::<Spent>((account, day)).await?.unwrap_or_else(none).cents;
    if before + cents > DAILY_LIMIT {
        return Err(Refused::Limit { account, left: DAILY_LIMIT - before });
    }
    // A day is over after two days wherever the clocks are.
    tx.with_ttl(Duration::from_secs(2 * 86_400)).put(&Spent { cents: before + cents, ..none() })?;
    Ok(())
}

/// Changes a balance, with an entry beside it.
fn post<S: AtomicStore>(tx: &Tx<S>, account: &mut Account, cents: i64, other: u64) -> Result<(), Error> {
    account.cents += cents;
    account.entries += 1;
    tx.save(account)?;
    tx.insert(&Entry { account: account.id, number: account.entries, cents, other })
}
