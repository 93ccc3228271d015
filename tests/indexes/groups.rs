//! Indexes of an entity of several groups, through the entity and through its views.

use std::time::Duration;

use kv_runtime::store::MemoryStore;
use kv_runtime::{Collection, Error, Kv, KvEntity, ManualClock, Timestamp};

type Outcome = Result<(), Error>;

#[derive(KvEntity, Clone, Debug, PartialEq)]
#[kv(prefix = "account", group = "profile", group(name = "billing", optional))]
struct Account {
    #[kv(id, secret)]
    token: String,
    #[kv(id)]
    number: u32,
    #[kv(unique)]
    email: String,
    #[kv(group = "billing", unique)]
    customer: String,
    #[kv(group = "billing", index)]
    plan: u8,
}

type Accounts<E = Account> = Collection<E, MemoryStore>;

fn accounts() -> (Kv<MemoryStore>, Accounts) {
    let kv = Kv::new(MemoryStore::new());
    (kv.clone(), kv.collection())
}

fn account(number: u32) -> Account {
    Account {
        token: "t!:".to_owned(),
        number,
        email: format!("{number}@x"),
        customer: format!("c{number}"),
        plan: 1,
    }
}

#[tokio::test]
async fn a_view_keeps_the_index_of_its_group_right() -> Outcome {
    let (kv, accounts) = accounts();
    let billing = kv.collection::<AccountBilling>();
    accounts.put_many([account(1), account(2)]).await?;
    billing.update(("t!:", 1), |it| it.customer = "new".to_owned()).await?;
    assert_eq!(accounts.by(Account::CUSTOMER).get("c1").await?, None);
    assert_eq!(accounts.by(Account::CUSTOMER).get("new").await?.map(|it| it.number), Some(1));
    assert_eq!(billing.by(AccountBilling::CUSTOMER).get("new").await?.map(|it| it.number), Some(1));
    let taken = billing.update(("t!:", 2), |it| it.customer = "new".to_owned()).await.map(drop);
    assert!(matches!(taken, Err(Error::NotUnique { .. })), "{taken:?}");
    let Err(Error::NotUnique { holder, index, .. }) = taken else { return Ok(()) };
    assert_eq!(index, "customer");
    assert!(holder.starts_with("account:#") && holder.ends_with(":1"), "{holder}");
    accounts.update(("t!:", 1), |it| it.plan = 2).await?;
    assert_eq!(billing.by(AccountBilling::PLAN).equal(2).page().await?.entities.len(), 1);
    assert_eq!(billing.by(AccountBilling::PLAN).rev().page().await?.entities[0].plan, 2);
    assert_eq!(accounts.check_indexes().await?.added, 0);
    Ok(())
}

#[tokio::test]
async fn an_absent_group_has_no_entries() -> Outcome {
    let (kv, accounts) = accounts();
    let (profile, billing) = (kv.collection::<AccountProfile>(), kv.collection::<AccountBilling>());
    profile.put(&AccountProfile { token: "a".to_owned(), number: 1, email: "1@x".to_owned() }).await?;
    assert_eq!(accounts.by(Account::EMAIL).get("1@x").await?.map(|it| it.plan), Some(0));
    // The default of its field is no value.
    assert_eq!(accounts.by(Account::CUSTOMER).get("").await?, None);
    assert_eq!(accounts.by(Account::PLAN).count().await?, 0);
    accounts.put(&Account { token: "a".to_owned(), ..account(1) }).await?;
    assert_eq!(accounts.by(Account::PLAN).count().await?, 1);
    billing.delete(("a", 1)).await?;
    assert_eq!(accounts.by(Account::PLAN).count().await?, 0);
    assert_eq!(accounts.by(Account::CUSTOMER).get("c1").await?, None);
    assert!(accounts.by(Account::EMAIL).exists("1@x").await?);
    accounts.put(&Account { email: "3@x".to_owned(), ..account(1) }).await?;
    accounts.put(&Account { customer: "other".to_owned(), email: "2@x".to_owned(), ..account(2) }).await?;
    accounts.delete(("t!:", 1)).await?;
    assert_eq!(kv.collection::<AccountBilling>().by(AccountBilling::PLAN).count().await?, 1);
    Ok(())
}

#[tokio::test]
async fn an_entity_and_its_view_in_one_transaction_are_one_owner() -> Outcome {
    let (kv, accounts) = accounts();
    kv.transact(async |tx| {
        tx.put(&account(1))?;
        let mut view = tx.get::<AccountBilling>(("t!:", 1)).await?.expect("it was just put");
        view.customer = "by view".to_owned();
        tx.save(&view)
    })
    .await?;
    assert_eq!(accounts.by(Account::CUSTOMER).get("by view").await?.map(|it| it.number), Some(1));
    assert_eq!(accounts.by(Account::CUSTOMER).get("c1").await?, None);
    let report = accounts.check_indexes().await?;
    assert_eq!((report.added, report.removed), (0, 0), "{report:?}");
    Ok(())
}

#[tokio::test]
async fn a_sweep_is_not_held_up_by_a_group_that_is_left_alone() -> Outcome {
    let clock = ManualClock::new(Timestamp::from_millis(1_000_000));
    let kv = Kv::new(MemoryStore::with_clock((&clock).into()));
    let (accounts, profiles) = (kv.collection::<Account>(), kv.collection::<AccountProfile>());
    accounts.put(&account(1)).await?;
    let profile = AccountProfile { token: "t!:".to_owned(), number: 1, email: "1@x".to_owned() };
    profiles.with_ttl(Duration::from_secs(5)).put(&profile).await?;
    clock.advance(Duration::from_secs(6));
    // The billing group is still there, and its indexes, too.
    let report = accounts.sweep_indexes().await?;
    assert_eq!(report.removed, 1, "{report:?}");
    assert_eq!(
        kv.collection::<AccountBilling>().by(AccountBilling::CUSTOMER).get("c1").await?.map(|it| it.plan),
        Some(1)
    );
    Ok(())
}
