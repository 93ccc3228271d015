use kv_runtime::store::MemoryStore;
use kv_runtime::{Kv, KvEntity, Result};

#[derive(KvEntity, Clone)]
#[kv(prefix = "user", group = "profile", verson = 2, group(name = "settings", view = "Prefs", derive(Debug)))]
struct User {
    #[kv(id)]
    id: String,
    name: String,
    #[kv(group = "settings")]
    theme: String,
}

// The one error is that of the attribute: the entity and its views stay what they are for everybody else.
async fn uses(kv: Kv<MemoryStore>) -> Result<()> {
    let users = kv.collection::<User>();
    users.update("ada", |user| user.name = "Ada".to_owned()).await?;
    users.touch("ada").await?;
    let prefs: Option<Prefs> = kv.collection::<Prefs>().get("ada").await?;
    println!("{:?} {}", prefs, users.get("ada").await?.is_some());
    let profile = kv.collection::<UserProfile>().get("ada").await?;
    drop(profile.map(|profile| profile.name));
    Ok(())
}

fn main() {
    drop(uses(Kv::new(MemoryStore::new())));
}
