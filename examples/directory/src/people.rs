//! The entities: people as the first release stored them, and as the second one finds them.

use kv_runtime::{KvEntity, Timestamp};
use serde::Deserialize;

/// A person, who is found by email, by country and city, and by the time of signing up.
#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "person")]
#[kv(index(name = "by_city", on(country, city), shown))]
pub struct Person {
    #[kv(id)]
    pub id: u64,
    pub name: String,
    /// `ADA@EXAMPLE.COM` is the same person.
    #[kv(unique(with = str::to_lowercase))]
    pub email: String,
    pub country: String,
    pub city: Option<String>,
    #[kv(index)]
    pub signed_up: Timestamp,
    /// No index has it, so to change it costs what it cost before.
    pub logins: u32,
}

/// The first release of the same struct had no indexes. Its records are those of the second.
pub mod before {
    use super::{KvEntity, Timestamp};

    #[derive(KvEntity, Debug, Clone)]
    #[kv(prefix = "person")]
    pub struct Person {
        #[kv(id)]
        pub id: u64,
        pub name: String,
        pub email: String,
        pub country: String,
        pub city: Option<String>,
        pub signed_up: Timestamp,
        pub logins: u32,
    }
}

impl From<Person> for before::Person {
    fn from(person: Person) -> Self {
        let Person { id, name, email, country, city, signed_up, logins } = person;
        Self { id, name, email, country, city, signed_up, logins }
    }
}

/// What this program reads of the 250 countries.
#[derive(Deserialize)]
struct Country {
    cca2: String,
    capital: Vec<String>,
}

/// Makes people up, the same ones each time.
pub struct People {
    /// Code and capital, which is `None` where there is none.
    countries: Vec<(String, Option<String>)>,
}

const GIVEN: [&str; 16] = [
    "Ada",
    "Alan",
    "Barbara",
    "Claude",
    "Donald",
    "Edsger",
    "Frances",
    "Grace",
    "Hedy",
    "John",
    "Joan",
    "Katherine",
    "Ken",
    "Margaret",
    "Niklaus",
    "Radia",
];
const FAMILY: [&str; 16] = [
    "Allen", "Backus", "Clarke", "Dijkstra", "Goldberg", "Hamilton", "Hopper", "Johnson", "Knuth", "Lamarr",
    "Liskov", "Lovelace", "Perlman", "Shannon", "Turing", "Wirth",
];

/// When the first of them signed up: 1 January 2026.
pub const OPENED: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// How much later each of them came than the one before.
const EVERY: u64 = 1_000; // milliseconds

impl People {
    pub fn new(countries: &str) -> serde_json::Result<Self> {
        let countries: Vec<Country> = serde_json::from_str(countries)?;
        let countries = countries.into_iter().map(|it| (it.cca2, it.capital.into_iter().next())).collect();
        Ok(Self { countries })
    }

    /// The person with this id.
    pub fn person(&self, id: u64) -> Person {
        let mut random = fastrand::Rng::with_seed(id);
        let (given, family) = (GIVEN[random.usize(..GIVEN.len())], FAMILY[random.usize(..FAMILY.len())]);
        let (country, city) = self.countries[random.usize(..self.countries.len())].clone();
        Person {
            id,
            name: format!("{given} {family}"),
            email: email(id, given, family),
            country,
            city,
            signed_up: signed_up(id),
            logins: 0,
        }
    }
}

fn email(id: u64, given: &str, family: &str) -> String {
    format!("{given}.{family}.{id}@example.com")
}

/// When the person with this id signed up.
pub fn signed_up(id: u64) -> Timestamp {
    Timestamp::from_millis(OPENED.as_millis() + id * EVERY)
}
