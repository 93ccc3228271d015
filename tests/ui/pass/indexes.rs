use kv_runtime::index::{IndexValue, StoredIn};
use kv_runtime::store::{IndexStore, MemoryStore, Store};
use kv_runtime::{Kv, KvEntity, KvId, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

#[derive(KvId, Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Plan {
    Free,
}

#[derive(KvId, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Country(String);

#[derive(KvEntity)]
#[kv(prefix = "user", index(name = "by_city", on(country, city, plan)))]
struct User {
    #[kv(id)]
    id: u64,
    #[kv(unique(with = str::to_lowercase))]
    email: String,
    #[kv(unique)]
    nickname: Option<String>,
    country: Country,
    city: Option<String>,
    #[kv(index)]
    plan: Plan,
    #[kv(index)]
    signed_up: Timestamp,
}

async fn lookups<S: IndexStore>(kv: &Kv<S>) -> kv_runtime::Result<()> {
    let users = kv.collection::<User>();
    let (gb, name) = (Country("GB".to_owned()), String::from("ada@example.com"));
    users.by(User::EMAIL).get(&name).await?;
    users.by(User::NICKNAME).get("ada").await?;
    users.by(User::EMAIL).get_many(["a", "b"]).await?;
    users.by(User::EMAIL).exists("a").await?;
    users.by(User::EMAIL).delete("a").await?;
    users.by(User::BY_CITY).equal((&gb, Some("London"), Plan::Free)).page().await?;
    users.by(User::BY_CITY).within(&gb).range("A".."M").limit(20).page().await?;
    users.by(User::BY_CITY).within(&gb).within(None).equal(Plan::Free).count().await?;
    users.by(User::BY_CITY).within(&gb).starts_with("Lon").ids().page().await?;
    let page = users.by(User::PLAN).equal(Plan::Free).page().await?;
    users.by(User::SIGNED_UP).range(Timestamp::from_millis(1)..).rev().cursor(page.cursor).page().await?;
    let _ = users.by(User::SIGNED_UP).stream();
    Ok(())
}

/// Ids beside stored fields, one of them of a generic type.
#[derive(KvEntity)]
#[kv(prefix = "member", group = "profile", group(name = "billing"))]
#[kv(index(name = "email_in_tenant", on(tenant, email), unique))]
#[kv(index(name = "by_plan", on(plan, tenant, number)))]
struct Member<T: IndexValue + kv_runtime::key::KvId> {
    #[kv(id)]
    tenant: T,
    #[kv(id, ordered)]
    number: u32,
    email: String,
    #[kv(group = "billing")]
    plan: Plan,
}

async fn of_a_tenant<S: IndexStore>(kv: &Kv<S>) -> kv_runtime::Result<()> {
    let members = kv.collection::<Member<String>>();
    let profiles = kv.collection::<MemberProfile<String>>();
    members.by(Member::EMAIL_IN_TENANT).get(("acme", "ada@example.com")).await?;
    profiles.by(MemberProfile::EMAIL_IN_TENANT).exists(("acme", "ada@example.com")).await?;
    members.by(Member::BY_PLAN).within(Plan::Free).within("acme").range(1..9).page().await?;
    Ok(())
}

/// An entity that is generic over an indexed type.
#[derive(KvEntity)]
#[kv(prefix = "measured", group = "value", group(name = "about"))]
struct Measured<T> {
    #[kv(id)]
    id: u64,
    #[kv(index)]
    value: T,
    #[kv(group = "about")]
    note: String,
}

fn of_any_value<T, S>(kv: &Kv<S>)
where
    T: IndexValue + Serialize + DeserializeOwned,
    S: IndexStore,
{
    let _ = kv.collection::<Measured<T>>().by(Measured::<T>::VALUE).rev();
    let _ = kv.collection::<MeasuredValue<T>>().by(MeasuredValue::<T>::VALUE).rev();
}

/// Code for any entity and any store.
fn anything<E: KvEntity + StoredIn<S>, S: Store>(kv: &Kv<S>) {
    let _ = kv.collection::<E>();
}

fn main() {
    let kv = Kv::new(MemoryStore::new());
    let _lookups = lookups(&kv);
    let _of_a_tenant = of_a_tenant(&kv);
    of_any_value::<u16, _>(&kv);
    anything::<User, _>(&kv);
}
