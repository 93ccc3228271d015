//! With `arbitrary_precision`, serde's derive cannot read a number that is no integer, or is beyond
//! `u64`, where it buffers values. Such a value is refused before it is stored.

use kv_runtime::store::{MemoryStore, StoreExt};
use kv_runtime::{Error, Kv, KvEntity};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
enum Price {
    Exact { cents: u64 },
    Rough { amount: f64 },
}

#[derive(KvEntity, Debug, Clone, PartialEq)]
#[kv(prefix = "item")]
struct Item {
    #[kv(id)]
    id: u64,
    weight: f64,
    price: Price,
}

#[tokio::test]
async fn a_number_that_would_not_be_read_is_refused() -> Result<(), Box<dyn std::error::Error>> {
    let items = Kv::new(MemoryStore::new()).collection::<Item>();
    let exact = Item { id: 1, weight: 1.5, price: Price::Exact { cents: 5 } };
    items.put(&exact).await?;
    assert_eq!(items.get(1).await?, Some(exact.clone()));
    let rough = Item { price: Price::Rough { amount: 0.05 }, ..exact.clone() };
    let error = items.put(&rough).await.expect_err("would not be read");
    assert!(
        matches!(error, Error::Encode { .. }) && format!("{error:?}").contains("in `price`"),
        "{error:?}"
    );
    let error = items.update(1, |item| item.price = rough.price.clone()).await.expect_err("as before");
    assert!(matches!(error, Error::Encode { .. }), "{error:?}");
    assert_eq!(items.get(1).await?, Some(exact));
    Ok(())
}
