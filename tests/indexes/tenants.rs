//! Indexes with an id among their parts.

use futures_util::TryStreamExt;
use kv_runtime::key::Key;
use kv_runtime::store::{EntryQuery, IndexStore, ListQuery, MemoryStore, StoreExt};
use kv_runtime::{Error, Kv, KvEntity};

type Outcome = Result<(), Error>;

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[expect(clippy::duplicated_attributes, reason = "two indexes may have a field in common")]
#[kv(prefix = "member", group = "profile", group(name = "billing", optional))]
#[kv(index(name = "email_in_tenant", on(tenant, email), unique))]
#[kv(index(name = "by_plan", on(plan, number, tenant)))]
struct Member {
    #[kv(id)]
    tenant: String,
    #[kv(id)]
    number: u32,
    email: String,
    #[kv(group = "billing")]
    plan: u8,
}

fn member(tenant: &str, number: u32, email: &str) -> Member {
    Member { tenant: tenant.to_owned(), number, email: email.to_owned(), plan: 1 }
}

#[tokio::test]
async fn a_value_is_unique_for_each_id_of_its_index() -> Outcome {
    let members = Kv::new(MemoryStore::new()).collection::<Member>();
    members.put_many([member("acme", 1, "ada@x"), member("other", 1, "ada@x")]).await?;
    let taken = members.insert(&member("acme", 2, "ada@x")).await;
    let Err(Error::NotUnique { index, holder, .. }) = taken else { panic!("{taken:?}") };
    assert_eq!((index, holder.as_str()), ("email_in_tenant", "member:acme:1"));
    for (tenant, found) in [("acme", Some(1)), ("other", Some(1)), ("none", None)] {
        let by_email = members.by(Member::EMAIL_IN_TENANT).get((tenant, "ada@x")).await?;
        assert_eq!(by_email.map(|it| (it.tenant, it.number)), found.map(|it| (tenant.to_owned(), it)));
    }
    members.update(("acme", 1), |it| it.email = "new@x".to_owned()).await?;
    members.insert(&member("acme", 2, "ada@x")).await?;
    assert!(members.by(Member::EMAIL_IN_TENANT).delete(("acme", "ada@x")).await?);
    assert!(members.exists(("other", 1)).await?);
    Ok(())
}

#[tokio::test]
async fn an_id_is_a_part_like_any_other() -> Outcome {
    let kv = Kv::new(MemoryStore::new());
    let members = kv.collection::<Member>();
    members.put_many([member("b", 10, "1"), member("a", 10, "2"), member("a", 9, "3")]).await?;
    let plan = || members.by(Member::BY_PLAN).within(1);
    let numbers: Vec<_> = plan().ids().stream().try_collect().await?;
    assert_eq!(numbers, [("a".to_owned(), 9), ("a".to_owned(), 10), ("b".to_owned(), 10)]);
    assert_eq!(plan().within(10).starts_with("b").count().await?, 1);
    assert_eq!(plan().range(10..).count().await?, 2);
    assert_eq!(members.by(Member::BY_PLAN).equal((1, 9, "a")).count().await?, 1);
    let billing = kv.collection::<MemberBilling>();
    billing.update(("a", 9), |it| it.plan = 2).await?;
    assert_eq!(billing.by(MemberBilling::BY_PLAN).equal((2, 9, "a")).count().await?, 1);
    billing.delete(("b", 10)).await?;
    assert_eq!(plan().count().await?, 1);
    let report = members.check_indexes().await?;
    assert_eq!((report.added, report.removed, report.violations), (0, 0, 0), "{report:?}");
    Ok(())
}

/// The keys are those of the wire format: an id is a part as it would be as a field.
#[tokio::test]
async fn the_keys_of_such_an_index_are_those_of_the_wire_format() -> Outcome {
    let kv = Kv::new(MemoryStore::new());
    kv.collection::<Member>().put(&member("ac me", 7, "ada@x")).await?;
    let prefix = |index: &str| Key::from_text(format!("member!{index}!"));
    let claims = kv.store().page(&ListQuery::new(prefix("email_in_tenant"))).await?;
    assert_eq!(claims.keys().collect::<Vec<_>>(), ["member!email_in_tenant!ac%20me!ada@x!"]);
    let entries = kv.store().entries(&EntryQuery::new(prefix("by_plan"))).await?;
    assert_eq!(
        entries.keys().collect::<Vec<_>>(),
        ["member!by_plan!001!0000000007!ac%20me!ac%20me!0000000007!"]
    );
    Ok(())
}

#[tokio::test]
async fn the_lock_names_the_ids_of_an_index() {
    kv_runtime::schema! { App: Member }
    let text = format!("{:?}", App::schema());
    assert!(text.contains("email_in_tenant"), "{text}");
}
