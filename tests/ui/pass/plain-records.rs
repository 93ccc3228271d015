//! Plain records, of one group and of several.

use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "customer", plain, version = 2, write_version = 1, ttl = "1h")]
struct Customer {
    #[kv(id)]
    id: u64,
    #[kv(renamed(from = "fullName", since = 2))]
    name: String,
}

#[derive(KvEntity)]
#[kv(prefix = "state", plain, version = 3, version_in = "_persist.version")]
#[kv(version_map(missing => 1, -1 => 1, "2024-05" => 2))]
struct State {
    #[kv(id)]
    id: String,
    #[kv(added(since = 2))]
    theme: String,
    #[kv(added(since = 3))]
    language: String,
}

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile")]
#[kv(group(name = "settings", plain, version_in = "v", version_map(-1 => 1, "one" => 1), view = "Settings"))]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "settings")]
    theme: String,
}

fn main() {
    let customer = Customer::SCHEMA.groups()[0];
    assert!(customer.is_plain() && customer.version_in().is_none());
    let state = State::SCHEMA.groups()[0].version_in().expect("it is declared");
    assert_eq!((state.path(), state.map().len()), (&["_persist", "version"][..], 3));
    let [profile, settings] = User::SCHEMA.groups() else { panic!("there are two groups") };
    assert!(!profile.is_plain() && settings.is_plain());
    let view = Settings::SCHEMA.groups()[0].version_in().expect("the view has the group's");
    assert_eq!(view.map().len(), 2);
}

#[derive(KvEntity)]
#[kv(prefix = "cache", adapter = kv_runtime::adopt::Keyv, group(name = "more", adapter = kv_runtime::adopt::DoublyEncoded))]
struct Adapted {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "more")]
    size: u64,
}
