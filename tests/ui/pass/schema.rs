use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user", group = "profile")]
#[kv(group(name = "settings"))]
struct User {
    #[kv(id)]
    id: u64,
    name: String,
    #[kv(group = "settings")]
    theme: String,
}

#[derive(KvEntity)]
#[kv(prefix = "org")]
struct Org {
    #[kv(id)]
    number: u32,
    name: String,
}

// Numbers are no `member`, so these cannot collide.
#[derive(KvEntity)]
#[kv(prefix = "org:member")]
struct Member {
    #[kv(id)]
    number: u32,
    name: String,
}

/// An entity out of a macro, as others have it by the same name.
macro_rules! cart {
    ($prefix:literal) => {
        #[derive(kv_runtime::KvEntity)]
        #[kv(prefix = $prefix, group = "items", group(name = "notes"))]
        pub struct Cart {
            #[kv(id)]
            pub id: u64,
            pub items: Vec<u64>,
            #[kv(group = "notes")]
            pub notes: String,
        }
    };
}

mod shop {
    cart!("shop-cart");
}

mod depot {
    cart!("depot-cart");
}

kv_runtime::schema! { Carts: shop::Cart, shop::CartNotes, depot::CartItems, depot::Cart }

kv_runtime::schema! {
    /// A view may be listed beside its entity.
    pub App: User, UserSettings, Org, Member,
}

fn main() {
    let names: Vec<&str> = App::ENTITIES.iter().map(|entity| entity.name()).collect();
    assert_eq!(names, ["User", "UserSettings", "Org", "Member"]);
    assert_eq!(Carts::ENTITIES.len(), 4);
}
